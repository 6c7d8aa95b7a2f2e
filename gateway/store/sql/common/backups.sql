-- name: newest_backup^
-- The entry of the newest backup.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE e.type = 'backup'
ORDER BY e.number DESC
LIMIT 1;
