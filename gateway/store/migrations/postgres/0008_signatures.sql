-- Signatures under which messages were accepted, until they are stale: one of them makes one message.

CREATE TABLE IF NOT EXISTS signature_use (
    sender text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    until bigint NOT NULL,
    PRIMARY KEY (sender, digest)
);
CREATE INDEX IF NOT EXISTS signature_use_until ON signature_use (until);
