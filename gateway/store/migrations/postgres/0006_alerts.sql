-- What the operator must see to, who watches for it, and approvals that were taken back.

CREATE TABLE IF NOT EXISTS withdrawal (
    mou text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    digest text NOT NULL,
    party text COLLATE "C" NOT NULL,
    person text COLLATE "C" NOT NULL REFERENCES person (id),
    by_person text COLLATE "C" NOT NULL REFERENCES person (id),
    at bigint NOT NULL,
    signature text NOT NULL,
    PRIMARY KEY (mou, version, party, person)
);

-- One row for each thing that was ever found; `cleared_at` is null while it stands.
CREATE TABLE IF NOT EXISTS alert (
    code text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    severity text NOT NULL,
    count bigint NOT NULL,
    raised_at bigint NOT NULL,
    told_at bigint NOT NULL,
    cleared_at bigint,
    silenced_until bigint,
    PRIMARY KEY (code, subject)
);

-- What is still to be sent, one row for each way it goes out by.
CREATE TABLE IF NOT EXISTS alert_notice (
    id text COLLATE "C" PRIMARY KEY,
    way text NOT NULL,
    news text NOT NULL,
    code text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    severity text NOT NULL,
    count bigint NOT NULL,
    raised_at bigint NOT NULL,
    made_at bigint NOT NULL,
    due_at bigint NOT NULL,
    attempts bigint NOT NULL,
    last_error text NOT NULL
);
CREATE INDEX IF NOT EXISTS alert_notice_due ON alert_notice (due_at);

-- One process watches at a time.
CREATE TABLE IF NOT EXISTS alert_watch (
    one bigint PRIMARY KEY CHECK (one = 1),
    holder text NOT NULL,
    until bigint NOT NULL
);
INSERT INTO alert_watch (one, holder, until) VALUES (1, '', 0) ON CONFLICT DO NOTHING;

-- Whether the database takes new rows is tried with one of these, gone again in the same transaction.
CREATE TABLE IF NOT EXISTS alert_probe (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    filler bytea NOT NULL
);

CREATE INDEX IF NOT EXISTS entry_of_review ON entry (id) WHERE type = 'review';
