-- Cosigners: who countersigns whose log, what was countersigned and handed out, and what was found wrong.
-- Each statement may run twice.

CREATE TABLE IF NOT EXISTS witness_key (
    watch text NOT NULL,
    agency text COLLATE "C" NOT NULL REFERENCES agency (id),
    key text NOT NULL,
    url text NOT NULL,
    private_network bigint NOT NULL,
    authorities bytea NOT NULL,
    since bigint NOT NULL,
    ended_at bigint,
    PRIMARY KEY (watch, agency, key)
);

-- Heads of partners' logs: the largest that waits to be looked at, and the newest that was cosigned.
CREATE TABLE IF NOT EXISTS noted_head (
    agency text COLLATE "C" PRIMARY KEY,
    size bigint NOT NULL,
    note bytea NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS seen_head (
    agency text COLLATE "C" PRIMARY KEY,
    size bigint NOT NULL,
    note bytea NOT NULL,
    at bigint NOT NULL
);

-- What partners signed of our heads.
CREATE TABLE IF NOT EXISTS cosignature (
    size bigint NOT NULL,
    cosigner text COLLATE "C" NOT NULL,
    agency text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    line text NOT NULL,
    PRIMARY KEY (size, cosigner)
);

CREATE TABLE IF NOT EXISTS given_head (
    agency text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    way text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (agency, size, way)
);

CREATE TABLE IF NOT EXISTS log_trouble (
    id text COLLATE "C" PRIMARY KEY,
    code text NOT NULL,
    at bigint NOT NULL,
    agency text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    idx bigint,
    ended_at bigint
);
CREATE UNIQUE INDEX IF NOT EXISTS log_trouble_standing ON log_trouble (code, agency) WHERE ended_at IS NULL;

CREATE TABLE IF NOT EXISTS verified_head (
    one integer PRIMARY KEY CHECK (one = 1),
    size bigint NOT NULL,
    note bytea NOT NULL,
    at bigint NOT NULL
);
