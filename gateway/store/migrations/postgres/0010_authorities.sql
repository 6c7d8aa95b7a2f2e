-- Authorities whose certificates speak for agencies, by name, and the newest revocation list of each.

CREATE TABLE IF NOT EXISTS authority (
    agency text COLLATE "C" NOT NULL REFERENCES agency (id),
    fingerprint text COLLATE "C" NOT NULL,
    names text NOT NULL,
    not_before bigint NOT NULL,
    not_after bigint NOT NULL,
    certificate bytea NOT NULL,
    intermediates bytea NOT NULL,
    revoked_at bigint,
    PRIMARY KEY (agency, fingerprint)
);

-- Of an authority's name and key, whoever it was registered for.
CREATE TABLE IF NOT EXISTS revocation_list (
    issuer text COLLATE "C" PRIMARY KEY,
    body bytea NOT NULL,
    stored_at bigint NOT NULL
);
