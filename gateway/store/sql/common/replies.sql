-- name: drop_ended_reply!
-- One that was made longer ago makes room for a new one. Not one that has ended only since it was looked at.
DELETE FROM reply
WHERE agency = :agency AND asked = :asked AND state NOT IN ('waiting', 'sending') AND created_at < :fresh;

-- name: reply_is_due$
-- Whether anything is to be taken.
SELECT
    EXISTS (SELECT 1 FROM reply WHERE state = 'waiting' AND due_at <= :now)
    OR EXISTS (SELECT 1 FROM reply WHERE state = 'sending' AND lease_until <= :now);

-- name: reply^
-- One reply with its content.
SELECT
    id, agency, message, address, code, state, created_at, due_at, expires_at, attempts, delivered_at, last_error, evidence,
    bucket, key_index, nonce, ciphertext
FROM reply
WHERE id = :id;

-- name: count_replies
-- Replies that have not arrived, by agency and state.
SELECT agency, state, count(*)
FROM reply
WHERE state IN ('waiting', 'sending')
GROUP BY agency, state
UNION ALL
SELECT agency, state, count(*)
FROM reply
WHERE state IN ('undeliverable', 'expired')
GROUP BY agency, state
ORDER BY 1, 2;
