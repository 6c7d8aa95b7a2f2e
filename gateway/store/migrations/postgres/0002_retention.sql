-- What is kept and until when, legal holds, runs of destruction, and what partners are asked to attest.

-- One row for each sealed payload; it stays when the payload is gone. `run` names the run that is to destroy it.
CREATE TABLE IF NOT EXISTS kept (
    id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    message text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    exchange text COLLATE "C" NOT NULL,
    mou text NOT NULL,
    clause text NOT NULL,
    at bigint NOT NULL,
    counts_from bigint NOT NULL,
    due_at bigint NOT NULL,
    bucket text COLLATE "C" NOT NULL,
    key_index bigint NOT NULL,
    run text COLLATE "C",
    destroyed_at bigint
);
CREATE INDEX IF NOT EXISTS kept_by_bucket ON kept (bucket, due_at) WHERE destroyed_at IS NULL;
CREATE INDEX IF NOT EXISTS kept_by_run ON kept (run) WHERE run IS NOT NULL;

CREATE TABLE IF NOT EXISTS hold (
    id text COLLATE "C" PRIMARY KEY,
    message text COLLATE "C",
    mou text,
    agency text COLLATE "C",
    exchange text COLLATE "C",
    since bigint,
    before bigint,
    cause text NOT NULL,
    authority text NOT NULL,
    placed_by text NOT NULL,
    speaks_for text NOT NULL,
    at bigint NOT NULL,
    ends_at bigint,
    released_at bigint,
    released_by text
);

-- A run is written down before it destroys anything; `done_at` stands when its certificate does.
CREATE TABLE IF NOT EXISTS purge (
    id text COLLATE "C" PRIMARY KEY,
    why text NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL,
    agency text COLLATE "C" NOT NULL,
    fingerprint text NOT NULL,
    second text NOT NULL,
    second_agency text NOT NULL,
    second_fingerprint text NOT NULL,
    entry text NOT NULL,
    whole text NOT NULL,
    plan text NOT NULL,
    count bigint NOT NULL,
    done_at bigint,
    certificate bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS purge_unfinished ON purge (id) WHERE done_at IS NULL;

-- Keyed by the dissemination that carries the notice.
CREATE TABLE IF NOT EXISTS attestation (
    notice text COLLATE "C" PRIMARY KEY,
    delivery text COLLATE "C" NOT NULL,
    run text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    asked_at bigint NOT NULL,
    attest_by bigint NOT NULL,
    attested_at bigint,
    attested_by text,
    document text
);

-- The clock as it was last seen.
CREATE TABLE IF NOT EXISTS seen (
    one integer PRIMARY KEY CHECK (one = 1),
    at bigint NOT NULL,
    jumped_from bigint
);

-- What was stored before there were due dates: the end of its bucket's week, which is never too early.
INSERT INTO kept (
    id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
)
SELECT
    id, 'original', id, sender, '', exchange, '', '', received_at, received_at,
    1000000 * extract(epoch FROM (to_date(left(bucket, 4) || right(bucket, 2), 'IYYYIW') + 7)::timestamp)::bigint,
    bucket, key_index
FROM message
ON CONFLICT DO NOTHING;
INSERT INTO kept (
    id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
)
SELECT
    d.id, 'dissemination', m.id, m.sender, d.recipient, m.exchange, d.mou || '@' || d.mou_version,
    coalesce(d.clauses::jsonb ->> 0, ''), m.received_at, v.expires_at,
    1000000 * extract(epoch FROM (to_date(left(d.bucket, 4) || right(d.bucket, 2), 'IYYYIW') + 7)::timestamp)::bigint,
    d.bucket, d.key_index
FROM dissemination AS d
JOIN message AS m ON m.id = d.message
JOIN delivery AS v ON v.dissemination = d.id
ON CONFLICT DO NOTHING;
INSERT INTO kept (
    id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
)
SELECT
    id, 'refused', id, sender, '', '', '', '', at, at,
    1000000 * extract(epoch FROM (to_date(left(bucket, 4) || right(bucket, 2), 'IYYYIW') + 7)::timestamp)::bigint,
    bucket, key_index
FROM refused
WHERE bucket IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO kept (
    id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
)
SELECT
    b.dissemination || '/because', 'because', m.id, m.sender, '', m.exchange, '', '', m.received_at, m.received_at,
    1000000 * extract(epoch FROM (to_date(left(b.bucket, 4) || right(b.bucket, 2), 'IYYYIW') + 7)::timestamp)::bigint,
    b.bucket, b.key_index
FROM because AS b
JOIN dissemination AS d ON d.id = b.dissemination
JOIN message AS m ON m.id = d.message
ON CONFLICT DO NOTHING;
