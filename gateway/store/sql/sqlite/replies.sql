-- name: begin_reply_again!
-- A reply that has ended, and was made not long ago, is on its way once more.
UPDATE reply
SET
    state = 'waiting', due_at = :due_at, expires_at = :expires_at, attempts = 0, delivered_at = NULL, last_error = '',
    evidence = '', fence = fence + 1, lease_until = NULL
WHERE agency = :agency AND asked = :asked AND state NOT IN ('waiting', 'sending') AND created_at >= :fresh;

-- name: reply_asked$
-- Which one answers this.
SELECT id FROM reply WHERE agency = :agency AND asked = :asked;

-- name: insert_reply!
-- A reply; nothing when the same one is on its way already.
INSERT INTO reply (
    id, agency, message, address, code, state, created_at, due_at, expires_at, attempts, delivered_at, last_error, evidence,
    asked, bucket, key_index, nonce, ciphertext
)
VALUES (
    :id, :agency, :message, :address, :code, :state, :created_at, :due_at, :expires_at, :attempts, :delivered_at,
    :last_error, :evidence, :asked, :bucket, :key_index, :nonce, :ciphertext
)
ON CONFLICT (agency, asked) DO NOTHING;

-- name: due_replies
-- What may be taken, the longest due first, so many of one agency that no more than :per_agency are under way.
WITH due AS (
    SELECT id, agency, due_at FROM reply WHERE state = 'waiting' AND agency IN (SELECT value FROM json_each(:push)) AND due_at <= :now
    UNION ALL
    SELECT id, agency, due_at FROM reply WHERE state = 'sending' AND agency IN (SELECT value FROM json_each(:push)) AND lease_until <= :now
),

held AS (SELECT agency, count(*) AS number FROM reply WHERE state = 'sending' AND lease_until > :now GROUP BY agency),

placed AS (SELECT id, agency, due_at, row_number() OVER (PARTITION BY agency ORDER BY due_at, id) AS place FROM due)

SELECT placed.id
FROM placed
LEFT JOIN held ON held.agency = placed.agency
WHERE placed.place + coalesce(held.number, 0) <= :per_agency
ORDER BY placed.due_at, placed.id
LIMIT :limit;

-- name: take_replies!
-- Put these under way.
UPDATE reply
SET state = 'sending', attempts = attempts + 1, fence = fence + 1, lease_until = :lease_until
WHERE id IN (SELECT value FROM json_each(:ids));

-- name: taken_replies
-- What a claim has taken, with its fence.
SELECT
    id, agency, message, address, code, state, created_at, due_at, expires_at, attempts, delivered_at, last_error, evidence,
    bucket, key_index, nonce, ciphertext, fence
FROM reply
WHERE id IN (SELECT value FROM json_each(:ids))
ORDER BY due_at, id;

-- name: settle_reply!
-- The outcome of a try, while its worker still holds it.
UPDATE reply
SET
    state = :state, due_at = :due_at, expires_at = :expires_at, attempts = :attempts, delivered_at = :delivered_at,
    last_error = :last_error, evidence = :evidence, fence = fence + 1, lease_until = NULL
WHERE id = :id AND fence = :fence AND state = 'sending';

-- name: move_reply!
-- A person's act on a reply that stands in `expected`. A worker that still holds it loses its lease.
UPDATE reply
SET
    state = :state, due_at = :due_at, expires_at = :expires_at, attempts = :attempts, delivered_at = :delivered_at,
    last_error = :last_error, evidence = :evidence, fence = fence + 1, lease_until = NULL
WHERE id = :id AND state = :expected;

-- name: replies
-- A page of replies, newest first.
SELECT
    id, agency, message, address, code, state, created_at, due_at, expires_at, attempts, delivered_at, last_error, evidence
FROM reply
WHERE
    (:state IS NULL OR state = :state)
    AND (:agency IS NULL OR agency = :agency)
    AND (:before IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :limit;
