-- Answers that go to an address registered for whoever asked, until they have arrived; destroyed a week later.
-- `asked` is a keyed digest of the request: a retry finds the same answer. `fence` as in `delivery`.
CREATE TABLE IF NOT EXISTS reply (
    id text COLLATE "C" PRIMARY KEY,
    agency text COLLATE "C" NOT NULL,
    message text COLLATE "C",
    address text COLLATE "C" NOT NULL,
    code text NOT NULL,
    state text NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    attempts bigint NOT NULL,
    delivered_at bigint,
    last_error text NOT NULL,
    evidence text NOT NULL,
    asked bytea NOT NULL,
    fence bigint NOT NULL DEFAULT 0,
    lease_until bigint,
    bucket text NOT NULL,
    key_index bigint NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    UNIQUE (agency, asked)
);
CREATE INDEX IF NOT EXISTS reply_lane ON reply (agency, due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS reply_sending ON reply (agency) WHERE state = 'sending';
CREATE INDEX IF NOT EXISTS reply_ended ON reply (state, agency) WHERE state IN ('undeliverable', 'expired');
-- What is kept of a message is looked up by the message.
CREATE INDEX IF NOT EXISTS kept_reply ON kept (message) WHERE kind = 'reply';
ALTER TABLE reply ALTER COLUMN ciphertext SET STORAGE EXTERNAL;
