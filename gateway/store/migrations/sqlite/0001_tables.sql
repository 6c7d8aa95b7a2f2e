-- The tables of a gateway on SQLite.
--
-- Moments are whole microseconds since 1970 in UTC, exact both ways. Rowid tables throughout: measured half the cost of
-- WITHOUT ROWID at 6 KB rows; the few keyed WITHOUT ROWID have small rows. Large columns stand last, so that what
-- lists read lies before the overflow pages. Each statement may run twice: a kill between a migration and the note
-- that it ran is mended by running it again.

CREATE TABLE IF NOT EXISTS fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS configuration (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
);
INSERT INTO configuration (one, version) VALUES (1, 0) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS agency (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS credential (
    fingerprint TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    agency TEXT NOT NULL REFERENCES agency (id),
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    certificate BLOB NOT NULL,
    revoked_at INTEGER
);

CREATE TABLE IF NOT EXISTS agreement (
    mou TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    body BLOB NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (mou, version)
);

-- People who act, and what they signed. "user" is a reserved word of SQL.
CREATE TABLE IF NOT EXISTS person (
    id TEXT PRIMARY KEY,
    agency TEXT NOT NULL,
    roles TEXT NOT NULL,
    public_key TEXT NOT NULL,
    since INTEGER NOT NULL,
    disabled_at INTEGER
);

CREATE TABLE IF NOT EXISTS approval (
    mou TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    party TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES person (id),
    at INTEGER NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (mou, version, party, person)
);

CREATE TABLE IF NOT EXISTS law (
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    body BLOB NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (id, version)
);

-- A consent knows its person by a blind index only.
CREATE TABLE IF NOT EXISTS consent (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    holder TEXT NOT NULL REFERENCES agency (id),
    labels TEXT NOT NULL,
    recipient TEXT NOT NULL,
    purpose TEXT NOT NULL,
    since TEXT NOT NULL,
    until TEXT NOT NULL,
    document TEXT NOT NULL,
    revoked INTEGER
);
CREATE INDEX IF NOT EXISTS consent_by_subject ON consent (subject);
CREATE INDEX IF NOT EXISTS consent_by_holder ON consent (holder, id);

CREATE TABLE IF NOT EXISTS exchange (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    archive BLOB NOT NULL
);

-- One name space of ids per sender, small, so that the check for a repeat stays cheap whatever is purged elsewhere.
CREATE TABLE IF NOT EXISTS sender_id (
    sender TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (sender, sender_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    sender TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    exchange TEXT NOT NULL,
    action TEXT NOT NULL,
    first TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    digest TEXT NOT NULL,
    earlier TEXT,
    as_of INTEGER,
    content_digest BLOB NOT NULL,
    receipt BLOB NOT NULL,
    bucket TEXT NOT NULL,
    key_index INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    ciphertext BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS message_by_sender ON message (sender, id);
-- Only what follows an earlier message: most messages open a chain and are found by their own id.
CREATE INDEX IF NOT EXISTS message_by_first ON message (first) WHERE first <> id;

CREATE TABLE IF NOT EXISTS dissemination (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    message INTEGER NOT NULL REFERENCES message (number),
    recipient TEXT NOT NULL,
    mou TEXT NOT NULL,
    mou_version INTEGER NOT NULL,
    mou_digest TEXT NOT NULL,
    clauses TEXT NOT NULL,
    purpose TEXT NOT NULL,
    shared INTEGER NOT NULL,
    payload_digest TEXT NOT NULL,
    redactions TEXT NOT NULL,
    bucket TEXT NOT NULL,
    key_index INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    cover BLOB NOT NULL,
    ciphertext BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS dissemination_by_message ON dissemination (message);

-- Has the number of its dissemination. `fence` grows with each claim and each act of an officer, so that a worker whose
-- lease was taken from it writes nothing. `recalled` is set while a try is under way: it then ends recalled.
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER PRIMARY KEY REFERENCES dissemination (number),
    id TEXT NOT NULL UNIQUE,
    first TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,
    urgent INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    delivered_at INTEGER,
    last_error TEXT NOT NULL,
    evidence TEXT NOT NULL,
    position INTEGER NOT NULL,
    fence INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    recalled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS delivery_lane ON delivery (recipient, urgent, due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS delivery_inbox ON delivery (recipient, position) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS delivery_sending ON delivery (recipient, first) WHERE state = 'sending';
CREATE INDEX IF NOT EXISTS delivery_ended ON delivery (state, recipient, id)
    WHERE state IN ('undeliverable', 'expired', 'recalled');

-- What a recipient gets, with its delivery: columns in the order that `rows.record_of` reads them.
CREATE VIEW IF NOT EXISTS dissemination_record AS
SELECT
    v.id AS delivery, d.id AS dissemination, m.id AS message, v.first, v.recipient, v.state, v.urgent, v.created_at,
    v.due_at, v.expires_at, v.attempts, v.delivered_at, v.last_error, v.evidence,
    d.id AS dissemination_again, m.id AS message_again, d.recipient AS recipient_again, d.mou, d.mou_version,
    d.mou_digest, d.clauses, d.purpose, d.shared, d.payload_digest, d.redactions,
    d.bucket, d.key_index, d.nonce, d.ciphertext,
    d.cover, m.sender, m.exchange, v.position,
    v.number, v.fence, d.message AS message_number
FROM delivery AS v
JOIN dissemination AS d ON d.number = v.number
JOIN message AS m ON m.number = d.message;

-- The last position given in an inbox; never goes back, whatever is purged.
CREATE TABLE IF NOT EXISTS position (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL
);
INSERT INTO position (one, last) VALUES (1, 0) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    parties TEXT NOT NULL,
    message TEXT,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_by_message ON entry (message) WHERE message IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_of_emergency ON entry (id, at) WHERE type = 'emergency';

CREATE TABLE IF NOT EXISTS pending_entry (
    entry INTEGER PRIMARY KEY REFERENCES entry (number)
);
-- An entry cannot be written without standing in line for the tree.
CREATE TRIGGER IF NOT EXISTS entry_stands_in_line AFTER INSERT ON entry BEGIN
    INSERT INTO pending_entry (entry) VALUES (new.number);
END;

-- `prefix` is the first 8 bytes of the leaf hash: a narrow index, written a thousand at a time by the sequencer
-- instead of one random page with each entry.
CREATE TABLE IF NOT EXISTS leaf (
    idx INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL UNIQUE REFERENCES entry (number),
    prefix BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS leaf_by_prefix ON leaf (prefix);

CREATE TABLE IF NOT EXISTS subtree (
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, idx)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS checkpoint (
    size INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS refused (
    id TEXT PRIMARY KEY,
    sender TEXT NOT NULL,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    bucket TEXT,
    key_index INTEGER,
    nonce BLOB,
    ciphertext BLOB
);

-- What a person wrote of an emergency release, sealed.
CREATE TABLE IF NOT EXISTS because (
    dissemination TEXT PRIMARY KEY,
    bucket TEXT NOT NULL,
    key_index INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    ciphertext BLOB NOT NULL
);

-- The log is written once.
CREATE TRIGGER IF NOT EXISTS entry_is_not_changed BEFORE UPDATE ON entry BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never changed');
END;
CREATE TRIGGER IF NOT EXISTS entry_is_not_deleted BEFORE DELETE ON entry BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never deleted');
END;
CREATE TRIGGER IF NOT EXISTS leaf_is_not_changed BEFORE UPDATE ON leaf BEGIN
    SELECT RAISE(ABORT, 'a leaf is never changed');
END;
CREATE TRIGGER IF NOT EXISTS leaf_is_not_deleted BEFORE DELETE ON leaf BEGIN
    SELECT RAISE(ABORT, 'a leaf is never deleted');
END;
CREATE TRIGGER IF NOT EXISTS subtree_is_not_changed BEFORE UPDATE ON subtree BEGIN
    SELECT RAISE(ABORT, 'a subtree is never changed');
END;
CREATE TRIGGER IF NOT EXISTS subtree_is_not_deleted BEFORE DELETE ON subtree BEGIN
    SELECT RAISE(ABORT, 'a subtree is never deleted');
END;
CREATE TRIGGER IF NOT EXISTS checkpoint_is_not_changed BEFORE UPDATE ON checkpoint BEGIN
    SELECT RAISE(ABORT, 'a checkpoint is never changed');
END;
CREATE TRIGGER IF NOT EXISTS checkpoint_is_not_deleted BEFORE DELETE ON checkpoint BEGIN
    SELECT RAISE(ABORT, 'a checkpoint is never deleted');
END;
-- A leaf stands for an entry that stood in line, and follows the last one.
CREATE TRIGGER IF NOT EXISTS leaf_follows BEFORE INSERT ON leaf
WHEN new.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM leaf) BEGIN
    SELECT RAISE(ABORT, 'a leaf follows the last one');
END;
