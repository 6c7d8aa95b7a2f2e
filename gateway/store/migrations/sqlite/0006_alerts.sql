-- What the operator must see to, who watches for it, and approvals that were taken back.

CREATE TABLE IF NOT EXISTS withdrawal (
    mou TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    party TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES person (id),
    by_person TEXT NOT NULL REFERENCES person (id),
    at INTEGER NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (mou, version, party, person)
);

-- One row for each thing that was ever found; `cleared_at` is null while it stands.
CREATE TABLE IF NOT EXISTS alert (
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL,
    count INTEGER NOT NULL,
    raised_at INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    cleared_at INTEGER,
    silenced_until INTEGER,
    PRIMARY KEY (code, subject)
);

-- What is still to be sent, one row for each way it goes out by.
CREATE TABLE IF NOT EXISTS alert_notice (
    id TEXT PRIMARY KEY,
    way TEXT NOT NULL,
    news TEXT NOT NULL,
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL,
    count INTEGER NOT NULL,
    raised_at INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS alert_notice_due ON alert_notice (due_at);

-- One process watches at a time.
CREATE TABLE IF NOT EXISTS alert_watch (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
);
INSERT INTO alert_watch (one, holder, until) VALUES (1, '', 0) ON CONFLICT DO NOTHING;

-- Whether the database takes new rows is tried with one of these, gone again in the same transaction.
CREATE TABLE IF NOT EXISTS alert_probe (
    number INTEGER PRIMARY KEY,
    filler BLOB NOT NULL
);

CREATE INDEX IF NOT EXISTS entry_of_review ON entry (id) WHERE type = 'review';
