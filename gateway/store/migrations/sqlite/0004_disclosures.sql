-- The disclosure index: who got what of a person. Everything that tells is encrypted under keys that are not in here,
-- and tokens are made of such keys. `generation` names the key file.
CREATE TABLE IF NOT EXISTS disclosure (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    generation TEXT NOT NULL,
    key_index INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    tokens BLOB NOT NULL,
    ciphertext BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS disclosure_by_generation ON disclosure (generation);

CREATE TABLE IF NOT EXISTS disclosure_token (
    token INTEGER NOT NULL,
    disclosure INTEGER NOT NULL,
    PRIMARY KEY (token, disclosure)
) WITHOUT ROWID;

-- Rows whose tokens are not arranged yet: a row is written at the end of a table, its tokens all over a tree.
CREATE TABLE IF NOT EXISTS waiting_disclosure (
    disclosure INTEGER PRIMARY KEY
);
CREATE TRIGGER IF NOT EXISTS disclosure_waits AFTER INSERT ON disclosure BEGIN
    INSERT INTO waiting_disclosure (disclosure) VALUES (new.number);
END;

-- Orders to forget somebody whose keys may not all be destroyed yet.
CREATE TABLE IF NOT EXISTS expunging (
    id TEXT PRIMARY KEY,
    points TEXT NOT NULL,
    count INTEGER NOT NULL
);
