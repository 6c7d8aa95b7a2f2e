-- name: insert_disclosures!
-- Rows of the disclosure index; each waits for its tokens to be arranged by a trigger.
INSERT INTO disclosure (generation, key_index, nonce, tokens, ciphertext)
VALUES (:generation, :key_index, :nonce, :tokens, :ciphertext);

-- name: disclosures
-- Rows with one of these tokens, and these others.
SELECT number, generation, key_index, nonce, tokens, ciphertext
FROM disclosure
WHERE
    number IN (SELECT disclosure FROM disclosure_token WHERE token IN (SELECT value FROM json_each(:tokens)))
    OR number IN (SELECT value FROM json_each(:waiting))
ORDER BY number;

-- name: disclosures_to_arrange
-- The next rows whose tokens are to be arranged.
SELECT d.number, d.tokens
FROM waiting_disclosure AS w
JOIN disclosure AS d ON d.number = w.disclosure
ORDER BY w.disclosure
LIMIT :limit;

-- name: insert_tokens!
-- By what rows are found.
INSERT INTO disclosure_token (token, disclosure)
VALUES (:token, :disclosure)
ON CONFLICT DO NOTHING;

-- name: delete_arranged!
-- These rows wait no more.
DELETE FROM waiting_disclosure WHERE disclosure IN (SELECT value FROM json_each(:numbers));

-- name: disclosures_of_generation
-- Some rows of a generation.
SELECT number FROM disclosure WHERE generation = :generation ORDER BY number LIMIT :limit;

-- name: tokens_of_disclosures
-- The tokens of these rows.
SELECT number, tokens FROM disclosure WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: count_disclosures^
-- How many of these rows are there.
SELECT count(*) FROM disclosure WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: delete_token!
-- A row is no longer found by this.
DELETE FROM disclosure_token WHERE token = :token AND disclosure = :number;

-- name: delete_disclosures!
-- These rows are gone.
DELETE FROM disclosure WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: delete_expunging!
-- It is destroyed.
DELETE FROM expunging WHERE id = :id;
