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

-- name: insert_checkpoint!
-- A signed head of the tree.
INSERT INTO checkpoint (size, body)
VALUES (:size, :body);

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

-- name: count_emergencies$
-- How many emergency releases there ever were.
SELECT count(*) FROM entry WHERE type = 'emergency';

-- name: unsequenced^
-- How many entries wait for the tree, and when the oldest of them was written.
SELECT count(*), (SELECT at FROM entry WHERE number = (SELECT min(entry) FROM pending_entry)) FROM pending_entry;

-- name: insert_subtrees!
-- A newly complete subtree.
INSERT INTO subtree (level, idx, hash)
VALUES (:level, :idx, :hash);

-- name: newest_checkpoint$
-- The newest signed head.
SELECT body FROM checkpoint ORDER BY size DESC LIMIT 1;

-- name: checkpoint_of_size$
-- The signed head of exactly this size.
SELECT body FROM checkpoint WHERE size = :size;
