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
