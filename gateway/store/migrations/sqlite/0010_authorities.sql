-- Authorities whose certificates speak for agencies, by name, and the newest revocation list of each.

CREATE TABLE IF NOT EXISTS authority (
    agency TEXT NOT NULL REFERENCES agency (id),
    fingerprint TEXT NOT NULL,
    names TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    certificate BLOB NOT NULL,
    intermediates BLOB NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (agency, fingerprint)
);

-- Of an authority's name and key, whoever it was registered for.
CREATE TABLE IF NOT EXISTS revocation_list (
    issuer TEXT PRIMARY KEY,
    body BLOB NOT NULL,
    stored_at INTEGER NOT NULL
);
