-- name: count_signatures$
-- How many are remembered.
SELECT count(*) FROM signature_use;
