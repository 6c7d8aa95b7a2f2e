-- name: insert_disclosures!
-- Rows of the disclosure index; they wait for their tokens to be arranged by a trigger.
INSERT INTO disclosure (generation, key_index, nonce, tokens, ciphertext)
SELECT
    r ->> 0, (r ->> 1)::bigint, bytes_at(:bytes, r -> 2), bytes_at(:bytes, r -> 3), bytes_at(:bytes, r -> 4)
FROM jsonb_array_elements(:rows::jsonb) WITH ORDINALITY AS batch (r, place)
ORDER BY place;

-- name: disclosures
-- Rows with one of these tokens, and these others.
SELECT number, generation, key_index, nonce, tokens, ciphertext
FROM disclosure
WHERE
    number IN (SELECT disclosure FROM disclosure_token WHERE token = ANY(:tokens::bigint []))
    OR number = ANY(:waiting::bigint [])
ORDER BY number;

-- name: disclosures_to_arrange
-- The next rows whose tokens are to be arranged, but for those that somebody arranges just now.
SELECT d.number, d.tokens
FROM waiting_disclosure AS w
JOIN disclosure AS d ON d.number = w.disclosure
ORDER BY w.disclosure
LIMIT :limit
FOR UPDATE OF w SKIP LOCKED;

-- name: insert_tokens!
-- By what rows are found.
INSERT INTO disclosure_token (token, disclosure)
SELECT token, disclosure
FROM unnest(:tokens::bigint [], :numbers::bigint []) AS pair (token, disclosure)
ON CONFLICT DO NOTHING;

-- name: delete_arranged!
-- These rows wait no more.
DELETE FROM waiting_disclosure WHERE disclosure = ANY(:numbers::bigint []);

-- name: disclosures_of_generation
-- Some rows of a generation, held until the transaction ends; others take other rows.
SELECT number FROM disclosure WHERE generation = :generation ORDER BY number LIMIT :limit FOR UPDATE SKIP LOCKED;

-- name: hold_disclosures
-- These rows, held until the transaction ends, but for those that are not there.
SELECT number FROM disclosure WHERE number = ANY(:numbers::bigint []) ORDER BY number FOR UPDATE;

-- name: tokens_of_disclosures
-- The tokens of these rows.
SELECT number, tokens FROM disclosure WHERE number = ANY(:numbers::bigint []);

-- name: delete_tokens!
-- Rows are no longer found by these.
DELETE FROM disclosure_token AS t
USING unnest(:tokens::bigint [], :numbers::bigint []) AS pair (token, disclosure)
WHERE t.token = pair.token AND t.disclosure = pair.disclosure;

-- name: delete_disclosures!
-- These rows are gone.
DELETE FROM disclosure WHERE number = ANY(:numbers::bigint []);

-- name: delete_expunging
-- It is destroyed.
DELETE FROM expunging WHERE id = :id RETURNING id;
