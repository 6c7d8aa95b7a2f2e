-- name: kept_due
-- What is due and stands in no run, a page of it.
SELECT id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
FROM kept
WHERE destroyed_at IS NULL AND run IS NULL AND due_at <= :until AND (bucket > :bucket OR (bucket = :bucket AND id > :after))
ORDER BY bucket, id
LIMIT :limit;

-- name: kept_under
-- What is kept under one version of an agreement, a page of it.
SELECT id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
FROM kept
WHERE destroyed_at IS NULL AND run IS NULL AND mou = :mou AND id > :after
ORDER BY id
LIMIT :limit;

-- name: holding^
-- How much is kept, how much of it is due, and since when.
SELECT count(*), count(CASE WHEN due_at <= :now THEN 1 END), min(CASE WHEN due_at <= :now THEN due_at END)
FROM kept
WHERE destroyed_at IS NULL;

-- name: remaining
-- What is kept in a bucket.
SELECT id FROM kept WHERE bucket = :bucket AND destroyed_at IS NULL ORDER BY id;

-- name: move_due!
-- Forward, never back.
UPDATE kept SET due_at = :due_at WHERE id = :id AND due_at > :due_at AND destroyed_at IS NULL;

-- name: insert_purge!
-- A run, before it destroys anything.
INSERT INTO purge (
    id, why, at, actor, agency, fingerprint, second, second_agency, second_fingerprint, entry, whole, plan, count, done_at,
    certificate
)
VALUES (
    :id, :why, :at, :actor, :agency, :fingerprint, :second, :second_agency, :second_fingerprint, :entry, :whole, :plan, :count, :done_at, :certificate
);

-- name: unfinished_purges
-- Runs without a certificate.
SELECT id, why, at, actor, agency, fingerprint, second, second_agency, second_fingerprint, entry, whole, plan, count, done_at,
    certificate
FROM purge
WHERE done_at IS NULL
ORDER BY id;

-- name: purge^
-- One run.
SELECT id, why, at, actor, agency, fingerprint, second, second_agency, second_fingerprint, entry, whole, plan, count, done_at,
    certificate
FROM purge
WHERE id = :id;

-- name: items_of_run
-- What a run is to destroy, or has destroyed.
SELECT id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index, run, destroyed_at
FROM kept
WHERE run = :run AND id > :after
ORDER BY id
LIMIT :limit;

-- name: put_hold!
-- A hold, or its new state: only that it was lifted changes.
INSERT INTO hold (
    id, message, mou, agency, exchange, since, before, cause, authority, placed_by, speaks_for, at, ends_at, released_at, released_by
)
VALUES (
    :id, :message, :mou, :agency, :exchange, :since, :before, :cause, :authority, :placed_by, :speaks_for, :at, :ends_at, :released_at, :released_by
)
ON CONFLICT (id) DO UPDATE SET released_at = excluded.released_at, released_by = excluded.released_by;

-- name: all_holds
-- Every hold there is or was.
SELECT
    id, message, mou, agency, exchange, since, before, cause, authority, placed_by, speaks_for, at, ends_at, released_at, released_by
FROM hold
ORDER BY id;

-- name: insert_attestation!
-- What a past recipient is asked.
INSERT INTO attestation (
    notice, delivery, run, message, owner, recipient, asked_at, attest_by, attested_at, attested_by, document
)
VALUES (
    :notice, :delivery, :run, :message, :owner, :recipient, :asked_at, :attest_by, :attested_at, :attested_by, :document
)
ON CONFLICT DO NOTHING;

-- name: all_attestations
-- What past recipients were asked.
SELECT notice, delivery, run, message, owner, recipient, asked_at, attest_by, attested_at, attested_by, document
FROM attestation
WHERE :open_only = 0 OR attested_at IS NULL
ORDER BY asked_at, notice;

-- name: seen^
-- The clock as it was last seen.
SELECT at, jumped_from FROM seen;

-- name: see!
-- Remember how the clock stands.
INSERT INTO seen (one, at, jumped_from) VALUES (1, :at, :jumped_from)
ON CONFLICT (one) DO UPDATE SET at = excluded.at, jumped_from = excluded.jumped_from;

-- name: count_hold_acts$
-- How often a hold was placed or lifted.
SELECT count(*) + count(released_at) FROM hold;
