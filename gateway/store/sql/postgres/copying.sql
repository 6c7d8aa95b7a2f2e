-- name: skip_positions$
-- Nothing that is listed from now on stands below what was ever listed.
SELECT setval('inbox_position', last_value + :skipped, true) FROM inbox_position;

-- name: copied_tables
-- The tables of the gateway in the schema that is used, with their columns in order; yoyo's own stay where they are.
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum), pg_table_size(c.oid)
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE
    c.relnamespace = current_schema()::regnamespace
    AND c.relkind = 'r'
    AND c.relname NOT LIKE '\_yoyo%'
    AND c.relname <> 'yoyo_lock'
GROUP BY c.oid, c.relname
ORDER BY c.relname;

-- name: copied_references
-- Which table refers to which.
SELECT DISTINCT f.relname, t.relname
FROM pg_constraint AS k
JOIN pg_class AS f ON f.oid = k.conrelid
JOIN pg_class AS t ON t.oid = k.confrelid
WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace AND f.oid <> t.oid;

-- name: copied_sequences
-- The sequences of the gateway.
SELECT c.relname
FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'S' AND c.relname NOT LIKE '\_yoyo%'
ORDER BY c.relname;

-- name: has_tables$
-- Whether the gateway's tables are there.
SELECT to_regclass('fact');

-- name: has_rows$
-- Whether anything was ever done here.
SELECT EXISTS (SELECT 1 FROM entry) OR EXISTS (SELECT 1 FROM agency) OR EXISTS (SELECT 1 FROM fact);
