-- name: waiting_disclosures
-- Tokens that are not arranged yet.
SELECT d.number, d.tokens
FROM waiting_disclosure AS w
JOIN disclosure AS d ON d.number = w.disclosure;

-- name: insert_expunging!
-- What is to be destroyed yet.
INSERT INTO expunging (id, points, count)
VALUES (:id, :points, :count);

-- name: expungings
-- What is to be destroyed yet.
SELECT id, points, count FROM expunging ORDER BY id;

-- name: oldest_generation$
-- The first generation, by name.
SELECT min(generation) FROM disclosure;

-- name: count_waiting_disclosures$
-- How many rows wait for their tokens to be arranged.
SELECT count(*) FROM waiting_disclosure;
