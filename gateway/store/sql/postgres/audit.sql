-- name: log_size$
-- How many leaves the tree has.
SELECT coalesce(max(idx) + 1, 0) FROM leaf;

-- name: pending
-- Entries not yet in the tree, in the order they were written.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, e.number
FROM pending_entry AS p
JOIN entry AS e ON e.number = p.entry
ORDER BY p.entry
LIMIT :limit;

-- name: insert_leaves!
-- The next leaves.
INSERT INTO leaf (idx, entry, prefix)
SELECT :size::bigint + next.place - 1, e.number, substring(e.leaf_hash FOR 8)
FROM unnest(:numbers::bigint []) WITH ORDINALITY AS next (number, place)
JOIN entry AS e ON e.number = next.number
ORDER BY next.place;

-- name: delete_pending!
-- They no longer stand in line. By their numbers: an entry with a lower number may have been committed just now.
DELETE FROM pending_entry WHERE entry = ANY(:numbers::bigint []);

-- name: insert_subtrees!
-- A newly complete subtree.
INSERT INTO subtree (level, idx, hash)
VALUES (:level, :idx, :hash);

-- name: insert_checkpoint!
-- A signed head of the tree.
INSERT INTO checkpoint (size, body)
VALUES (:size, :body);

-- name: leaf_hashes
-- A run of leaf hashes.
SELECT e.leaf_hash
FROM leaf AS l
JOIN entry AS e ON e.number = l.entry
WHERE l.idx >= :start::bigint AND l.idx < :start::bigint + :count
ORDER BY l.idx;

-- name: subtree_hashes
-- A run of hashes of complete subtrees.
SELECT hash
FROM subtree
WHERE level = :level AND idx >= :start::bigint AND idx < :start::bigint + :count
ORDER BY idx;

-- name: entry^
-- One entry by its id.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE e.id = :id;

-- name: entries
-- A page of the log.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM leaf AS l
JOIN entry AS e ON e.number = l.entry
WHERE l.idx >= :start
ORDER BY l.idx
LIMIT :limit;

-- name: entries_of
-- The story of one message.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE e.message = :message
ORDER BY e.number;

-- name: emergencies
-- A page of the emergency releases of a period, oldest first.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.type = 'emergency'
    AND e.id > :after
    AND (:since::bigint IS NULL OR e.at >= :since)
    AND (:until::bigint IS NULL OR e.at < :until)
ORDER BY e.id
LIMIT :limit;

-- name: count_emergencies$
-- How many emergency releases there ever were.
SELECT count(*) FROM entry WHERE type = 'emergency';

-- name: entry_by_leaf^
-- The entry with this leaf hash, in the tree or still waiting for it.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM leaf AS l
JOIN entry AS e ON e.number = l.entry
WHERE l.prefix = substring(:leaf_hash::bytea FOR 8) AND e.leaf_hash = :leaf_hash
UNION ALL
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, NULL
FROM pending_entry AS p
JOIN entry AS e ON e.number = p.entry
WHERE e.leaf_hash = :leaf_hash
LIMIT 1;

-- name: newest_checkpoint^
-- The newest signed head.
SELECT body FROM checkpoint ORDER BY size DESC LIMIT 1;

-- name: checkpoint_of_size^
-- The signed head of exactly this size.
SELECT body FROM checkpoint WHERE size = :size;

-- name: unsequenced^
-- How many entries wait for the tree, and when the oldest of them was written.
SELECT count(*), (SELECT at FROM entry WHERE number = (SELECT min(entry) FROM pending_entry)) FROM pending_entry;
