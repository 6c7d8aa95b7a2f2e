-- What is kept and until when, legal holds, runs of destruction, and what partners are asked to attest.

-- One row for each sealed payload; it stays when the payload is gone. `run` names the run that is to destroy it.
CREATE TABLE IF NOT EXISTS kept (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    exchange TEXT NOT NULL,
    mou TEXT NOT NULL,
    clause TEXT NOT NULL,
    at INTEGER NOT NULL,
    counts_from INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    key_index INTEGER NOT NULL,
    run TEXT,
    destroyed_at INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_by_bucket ON kept (bucket, due_at) WHERE destroyed_at IS NULL;
CREATE INDEX IF NOT EXISTS kept_by_run ON kept (run) WHERE run IS NOT NULL;

CREATE TABLE IF NOT EXISTS hold (
    id TEXT PRIMARY KEY,
    message TEXT,
    mou TEXT,
    agency TEXT,
    exchange TEXT,
    since INTEGER,
    before INTEGER,
    cause TEXT NOT NULL,
    authority TEXT NOT NULL,
    placed_by TEXT NOT NULL,
    speaks_for TEXT NOT NULL,
    at INTEGER NOT NULL,
    ends_at INTEGER,
    released_at INTEGER,
    released_by TEXT
);

-- A run is written down before it destroys anything; `done_at` stands when its certificate does.
CREATE TABLE IF NOT EXISTS purge (
    id TEXT PRIMARY KEY,
    why TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    agency TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    second TEXT NOT NULL,
    second_agency TEXT NOT NULL,
    second_fingerprint TEXT NOT NULL,
    entry TEXT NOT NULL,
    whole TEXT NOT NULL,
    plan TEXT NOT NULL,
    count INTEGER NOT NULL,
    done_at INTEGER,
    certificate BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS purge_unfinished ON purge (id) WHERE done_at IS NULL;

-- Keyed by the dissemination that carries the notice.
CREATE TABLE IF NOT EXISTS attestation (
    notice TEXT PRIMARY KEY,
    delivery TEXT NOT NULL,
    run TEXT NOT NULL,
    message TEXT NOT NULL,
    owner TEXT NOT NULL,
    recipient TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    attest_by INTEGER NOT NULL,
    attested_at INTEGER,
    attested_by TEXT,
    document TEXT
);

-- The clock as it was last seen.
CREATE TABLE IF NOT EXISTS seen (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at INTEGER NOT NULL,
    jumped_from INTEGER
);

-- What was stored before there were due dates: the end of its bucket's week, which is never too early. The Monday after
-- the week: the one on or before January 4, and as many weeks.
INSERT INTO kept (
    id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
)
SELECT
    id, 'original', id, sender, '', exchange, '', '', received_at, received_at,
    1000000 * strftime('%s', substr(bucket, 1, 4) || '-01-04', '-6 days', 'weekday 1', (7 * substr(bucket, 7)) || ' days'),
    bucket, key_index
FROM message
WHERE true
ON CONFLICT DO NOTHING;
INSERT INTO kept (
    id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
)
SELECT
    d.id, 'dissemination', m.id, m.sender, d.recipient, m.exchange, d.mou || '@' || d.mou_version,
    coalesce(json_extract(d.clauses, '$[0]'), ''), m.received_at, v.expires_at,
    1000000 * strftime('%s', substr(d.bucket, 1, 4) || '-01-04', '-6 days', 'weekday 1', (7 * substr(d.bucket, 7)) || ' days'),
    d.bucket, d.key_index
FROM dissemination AS d
JOIN message AS m ON m.number = d.message
JOIN delivery AS v ON v.number = d.number
WHERE true
ON CONFLICT DO NOTHING;
INSERT INTO kept (
    id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
)
SELECT
    id, 'refused', id, sender, '', '', '', '', at, at,
    1000000 * strftime('%s', substr(bucket, 1, 4) || '-01-04', '-6 days', 'weekday 1', (7 * substr(bucket, 7)) || ' days'),
    bucket, key_index
FROM refused
WHERE bucket IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO kept (
    id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index
)
SELECT
    b.dissemination || '/because', 'because', m.id, m.sender, '', m.exchange, '', '', m.received_at, m.received_at,
    1000000 * strftime('%s', substr(b.bucket, 1, 4) || '-01-04', '-6 days', 'weekday 1', (7 * substr(b.bucket, 7)) || ' days'),
    b.bucket, b.key_index
FROM because AS b
JOIN dissemination AS d ON d.id = b.dissemination
JOIN message AS m ON m.number = d.message
WHERE true
ON CONFLICT DO NOTHING;
