-- Answers that go to an address registered for whoever asked, until they have arrived; destroyed a week later.
-- `asked` is a keyed digest of the request: a retry finds the same answer. `fence` as in `delivery`.
CREATE TABLE IF NOT EXISTS reply (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    agency TEXT NOT NULL,
    message TEXT,
    address TEXT NOT NULL,
    code TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    delivered_at INTEGER,
    last_error TEXT NOT NULL,
    evidence TEXT NOT NULL,
    asked BLOB NOT NULL,
    fence INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    bucket TEXT NOT NULL,
    key_index INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    UNIQUE (agency, asked)
);
CREATE INDEX IF NOT EXISTS reply_lane ON reply (agency, due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS reply_sending ON reply (agency) WHERE state = 'sending';
CREATE INDEX IF NOT EXISTS reply_ended ON reply (state, agency) WHERE state IN ('undeliverable', 'expired');
-- What is kept of a message is looked up by the message.
CREATE INDEX IF NOT EXISTS kept_reply ON kept (message) WHERE kind = 'reply';
