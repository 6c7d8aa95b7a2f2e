-- Signatures under which messages were accepted, until they are stale: one of them makes one message.

CREATE TABLE IF NOT EXISTS signature_use (
    sender TEXT NOT NULL,
    digest TEXT NOT NULL,
    message TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (sender, digest)
);
CREATE INDEX IF NOT EXISTS signature_use_until ON signature_use (until);
