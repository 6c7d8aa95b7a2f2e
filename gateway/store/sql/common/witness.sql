-- name: put_witness_key
-- A partner's key for one way. What was compared once does not change but for its end.
INSERT INTO witness_key (watch, agency, key, url, private_network, authorities, since, ended_at)
VALUES (:watch, :agency, :key, :url, :private_network, :authorities, :since, :ended_at)
ON CONFLICT (watch, agency, key) DO UPDATE SET
    url = excluded.url,
    private_network = excluded.private_network,
    authorities = excluded.authorities,
    since = excluded.since,
    ended_at = excluded.ended_at
RETURNING agency;

-- name: witness_keys
-- Every key, those that ended too.
SELECT watch, agency, key, url, private_network, authorities, since, ended_at
FROM witness_key
ORDER BY watch, agency, since, key;

-- name: note_head
-- A head that waits to be looked at; a larger one stays.
INSERT INTO noted_head (agency, size, note, at)
VALUES (:agency, :size, :note, :at)
ON CONFLICT (agency) DO UPDATE SET size = excluded.size, note = excluded.note, at = excluded.at
WHERE excluded.size > noted_head.size
RETURNING agency;

-- name: noted_heads
-- What waits.
SELECT agency, size, note, at FROM noted_head ORDER BY agency;

-- name: drop_noted
-- It was looked at.
DELETE FROM noted_head WHERE agency = :agency AND size <= :size RETURNING agency;

-- name: seen_head
-- The newest head of a partner's log that we cosigned.
SELECT size, note, at FROM seen_head WHERE agency = :agency;

-- name: see_head
-- The next one, when the one before is the one that was compared with.
INSERT INTO seen_head (agency, size, note, at)
VALUES (:agency, :size, :note, :at)
ON CONFLICT (agency) DO UPDATE SET size = excluded.size, note = excluded.note, at = excluded.at
WHERE seen_head.size = :instead_of
RETURNING agency;

-- name: add_cosignature
-- What a partner signed of one of our heads.
INSERT INTO cosignature (size, agency, cosigner, at, line)
VALUES (:size, :agency, :cosigner, :at, :line)
ON CONFLICT DO NOTHING
RETURNING agency;

-- name: cosignatures
-- Of the head of this size.
SELECT size, agency, cosigner, at, line FROM cosignature WHERE size = :size ORDER BY cosigner;

-- name: newest_cosigned
-- The newest cosignature of each cosigner.
SELECT c.size, c.agency, c.cosigner, c.at, c.line
FROM cosignature AS c
WHERE c.size = (SELECT max(o.size) FROM cosignature AS o WHERE o.cosigner = c.cosigner)
ORDER BY c.cosigner;

-- name: give_head
-- Somebody was handed this head.
INSERT INTO given_head (agency, size, way, at)
VALUES (:agency, :size, :way, :at)
ON CONFLICT DO NOTHING
RETURNING agency;

-- name: report_trouble
-- Found wrong; what stands already is not said again.
INSERT INTO log_trouble (id, code, at, agency, size, idx)
VALUES (:id, :code, :at, :agency, :size, :idx)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: troubles
-- All that was ever found wrong.
SELECT id, code, at, agency, size, idx, ended_at FROM log_trouble ORDER BY at, id;

-- name: end_troubles
-- People have decided.
UPDATE log_trouble SET ended_at = :at WHERE ended_at IS NULL RETURNING id;

-- name: verified_head
-- The newest head under which the log was read.
SELECT size, note, at FROM verified_head;

-- name: keep_verified
-- It only grows.
INSERT INTO verified_head (one, size, note, at)
VALUES (1, :size, :note, :at)
ON CONFLICT (one) DO UPDATE SET size = excluded.size, note = excluded.note, at = excluded.at
WHERE excluded.size > verified_head.size
RETURNING one;

-- name: checkpoints
-- Our signed heads, by size.
SELECT size, body FROM checkpoint WHERE size > :after ORDER BY size LIMIT :limit;
