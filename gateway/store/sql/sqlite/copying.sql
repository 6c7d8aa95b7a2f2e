-- name: skip_positions!
-- Nothing that is listed from now on stands below what was ever listed.
UPDATE position SET last = last + :skipped;

-- name: sealed_tables
-- The tables that name the key of a payload by bucket and index, and whether they hold the payload too.
SELECT m.name, EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'ciphertext')
FROM sqlite_master AS m
WHERE
    m.type = 'table'
    AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'bucket')
    AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'key_index')
ORDER BY m.name;
