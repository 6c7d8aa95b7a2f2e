-- name: pending_standing^
-- Whether what was read before the lock still stands: the size of the tree, and how many of these entries wait.
SELECT
    (SELECT coalesce(max(idx) + 1, 0) FROM leaf),
    (SELECT min(entry) FROM pending_entry),
    (SELECT count(*) FROM pending_entry WHERE entry <= :last);

-- name: insert_leaves!
-- The next leaves, in the order the entries were written.
INSERT INTO leaf (idx, entry, prefix)
SELECT :size + row_number() OVER (ORDER BY p.entry) - 1, p.entry, substr(e.leaf_hash, 1, 8)
FROM pending_entry AS p
JOIN entry AS e ON e.number = p.entry
WHERE p.entry <= :last
ORDER BY p.entry;

-- name: delete_pending!
-- They no longer stand in line.
DELETE FROM pending_entry WHERE entry <= :last;

-- name: leaf_hashes$
-- A run of leaf hashes, as one text of hex: one row instead of many.
SELECT group_concat(hash, '')
FROM (
    SELECT hex(e.leaf_hash) AS hash
    FROM leaf AS l
    JOIN entry AS e ON e.number = l.entry
    WHERE l.idx >= :start AND l.idx < :start + :count
    ORDER BY l.idx
);

-- name: subtree_hashes$
-- A run of hashes of complete subtrees, as one text of hex.
SELECT group_concat(hash, '')
FROM (
    SELECT hex(hash) AS hash
    FROM subtree
    WHERE level = :level AND idx >= :start AND idx < :start + :count
    ORDER BY idx
);

-- name: emergencies
-- A page of the emergency releases of a period, oldest first.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.type = 'emergency'
    AND e.id > :after
    AND (:since IS NULL OR e.at >= :since)
    AND (:until IS NULL OR e.at < :until)
ORDER BY e.id
LIMIT :limit;

-- name: entry_by_leaf^
-- The entry with this leaf hash, in the tree or still waiting for it.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM leaf AS l
JOIN entry AS e ON e.number = l.entry
WHERE l.prefix = substr(:leaf_hash, 1, 8) AND e.leaf_hash = :leaf_hash
UNION ALL
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, NULL
FROM pending_entry AS p
JOIN entry AS e ON e.number = p.entry
WHERE e.leaf_hash = :leaf_hash
LIMIT 1;
