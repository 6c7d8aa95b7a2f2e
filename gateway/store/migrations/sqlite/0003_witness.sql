-- Cosigners: who countersigns whose log, what was countersigned and handed out, and what was found wrong.
-- Each statement may run twice.

CREATE TABLE IF NOT EXISTS witness_key (
    watch TEXT NOT NULL,
    agency TEXT NOT NULL REFERENCES agency (id),
    key TEXT NOT NULL,
    url TEXT NOT NULL,
    private_network INTEGER NOT NULL,
    authorities BLOB NOT NULL,
    since INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (watch, agency, key)
) WITHOUT ROWID;

-- Heads of partners' logs: the largest that waits to be looked at, and the newest that was cosigned.
CREATE TABLE IF NOT EXISTS noted_head (
    agency TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    note BLOB NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen_head (
    agency TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    note BLOB NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;

-- What partners signed of our heads.
CREATE TABLE IF NOT EXISTS cosignature (
    size INTEGER NOT NULL,
    cosigner TEXT NOT NULL,
    agency TEXT NOT NULL,
    at INTEGER NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (size, cosigner)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS given_head (
    agency TEXT NOT NULL,
    size INTEGER NOT NULL,
    way TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (agency, size, way)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS log_trouble (
    id TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    at INTEGER NOT NULL,
    agency TEXT NOT NULL,
    size INTEGER NOT NULL,
    idx INTEGER,
    ended_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS log_trouble_standing ON log_trouble (code, agency) WHERE ended_at IS NULL;

CREATE TABLE IF NOT EXISTS verified_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL,
    note BLOB NOT NULL,
    at INTEGER NOT NULL
);
