-- name: insert_kept!
-- What is kept, and until when.
INSERT INTO kept (
    id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
)
VALUES (
    :id, :kind, :message, :sender, :recipient, :exchange, :mou, :clause, :at, :counts_from, :due_at, :bucket, :key_index
);

-- name: kept_of
-- All that is or was kept of these messages.
WITH made AS (
    SELECT d.id
    FROM json_each(:messages) AS wanted
    JOIN message AS m ON m.id = wanted.value
    JOIN dissemination AS d ON d.message = m.number
)
SELECT id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index, run, destroyed_at
FROM kept
WHERE
    id IN (SELECT value FROM json_each(:messages))
    OR id IN (SELECT id FROM made)
    OR id IN (SELECT id || '/because' FROM made)
    OR (kind = 'reply' AND message IN (SELECT value FROM json_each(:messages)))
ORDER BY id;

-- name: free_items^
-- How many of these are there and in no run.
SELECT count(*) FROM kept WHERE id IN (SELECT value FROM json_each(:ids)) AND destroyed_at IS NULL AND run IS NULL;

-- name: others_in^
-- How many others are kept in these buckets.
SELECT count(*)
FROM kept
WHERE bucket IN (SELECT value FROM json_each(:buckets)) AND destroyed_at IS NULL AND NOT (id IN (SELECT value FROM json_each(:ids)));

-- name: mark_items!
-- They are this run's.
UPDATE kept SET run = :run WHERE id IN (SELECT value FROM json_each(:ids));

-- name: purges
-- Runs of a period.
SELECT id, why, at, actor, agency, fingerprint, second, second_agency, second_fingerprint, entry, whole, plan, count, done_at,
    certificate
FROM purge
WHERE
    (:since IS NULL OR at >= :since)
    AND (:until IS NULL OR at < :until)
    AND id > :after
ORDER BY id
LIMIT :limit;

-- name: waiting_in_run
-- Deliveries of what a run is to destroy that still wait.
SELECT v.id
FROM kept AS k
JOIN message AS m ON m.id = k.message
JOIN dissemination AS d ON d.message = m.number AND d.id = k.id
JOIN delivery AS v ON v.number = d.number
WHERE k.run = :run AND k.destroyed_at IS NULL AND k.kind = 'dissemination' AND v.state = 'waiting';

-- name: spare_items!
-- They are in no run.
UPDATE kept SET run = NULL WHERE run = :run AND destroyed_at IS NULL AND id IN (SELECT value FROM json_each(:ids));

-- name: empty_messages!
-- Originals, and what is computed of them: digests of what somebody may guess.
UPDATE message
SET ciphertext = x'', nonce = x'', content_digest = x'', receipt = x'', digest = ''
WHERE id IN (SELECT id FROM kept WHERE run = :run AND destroyed_at IS NULL AND kind = 'original' AND id IN (SELECT value FROM json_each(:ids)));

-- name: empty_disseminations!
-- Payloads, and the Covers that name their digests.
UPDATE dissemination
SET ciphertext = x'', nonce = x'', cover = x'', payload_digest = ''
WHERE
    message IN (
        SELECT m.number FROM kept AS k JOIN message AS m ON m.id = k.message WHERE k.run = :run AND k.id IN (SELECT value FROM json_each(:ids))
    )
    AND id IN (SELECT id FROM kept WHERE run = :run AND destroyed_at IS NULL AND kind = 'dissemination' AND id IN (SELECT value FROM json_each(:ids)));

-- name: empty_refused!
-- Refused submissions.
UPDATE refused
SET ciphertext = NULL, nonce = NULL
WHERE id IN (SELECT id FROM kept WHERE run = :run AND destroyed_at IS NULL AND kind = 'refused' AND id IN (SELECT value FROM json_each(:ids)));

-- name: empty_because!
-- What somebody wrote.
UPDATE because
SET ciphertext = x'', nonce = x''
WHERE dissemination || '/because' IN (SELECT id FROM kept WHERE run = :run AND destroyed_at IS NULL AND kind = 'because' AND id IN (SELECT value FROM json_each(:ids)));

-- name: drop_replies!
-- Answers that went elsewhere: nobody asks for the row of one whose content is gone.
DELETE FROM reply
WHERE id IN (SELECT id FROM kept WHERE run = :run AND destroyed_at IS NULL AND kind = 'reply' AND id IN (SELECT value FROM json_each(:ids)));

-- name: mark_destroyed!
-- They are gone.
UPDATE kept SET destroyed_at = :at WHERE run = :run AND destroyed_at IS NULL AND id IN (SELECT value FROM json_each(:ids));

-- name: finish_purge!
-- Its certificate, once.
UPDATE purge SET done_at = :at, certificate = :certificate WHERE id = :run AND done_at IS NULL;

-- name: attest!
-- It is attested, once.
UPDATE attestation
SET attested_at = :attested_at, attested_by = :attested_by, document = :document
WHERE notice = :notice AND attested_at IS NULL;

-- name: content_left^
-- How many rows of what a run has destroyed still hold content.
SELECT
    (
        SELECT count(*)
        FROM kept AS k
        JOIN message AS m ON m.id = k.id
        WHERE k.run = :run AND k.destroyed_at IS NOT NULL AND (length(m.ciphertext) > 0 OR length(m.receipt) > 0)
    )
    + (
        SELECT count(*)
        FROM kept AS k
        JOIN message AS m ON m.id = k.message
        JOIN dissemination AS d ON d.message = m.number AND d.id = k.id
        WHERE k.run = :run AND k.destroyed_at IS NOT NULL AND (length(d.ciphertext) > 0 OR length(d.cover) > 0)
    )
    + (
        SELECT count(*)
        FROM kept AS k
        JOIN refused AS r ON r.id = k.id
        WHERE k.run = :run AND k.destroyed_at IS NOT NULL AND r.ciphertext IS NOT NULL
    )
    + (SELECT count(*) FROM kept AS k JOIN reply AS p ON p.id = k.id WHERE k.run = :run AND k.destroyed_at IS NOT NULL);
