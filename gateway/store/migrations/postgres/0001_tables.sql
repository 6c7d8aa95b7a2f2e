-- The tables of a gateway on PostgreSQL.
--
-- Moments are whole microseconds since 1970 in UTC, as in the other store. Ids are compared byte by byte (COLLATE "C"):
-- cheaper, and in the order in which they were made. Each statement may run twice: a kill between a migration and the
-- note that it ran is mended by running it again.

CREATE TABLE IF NOT EXISTS fact (
    name text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE IF NOT EXISTS configuration (
    one integer PRIMARY KEY CHECK (one = 1),
    version bigint NOT NULL
);
INSERT INTO configuration (one, version) VALUES (1, 0) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS agency (
    id text COLLATE "C" PRIMARY KEY,
    body text NOT NULL
);

CREATE TABLE IF NOT EXISTS credential (
    fingerprint text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    agency text COLLATE "C" NOT NULL REFERENCES agency (id),
    not_before bigint NOT NULL,
    not_after bigint NOT NULL,
    certificate bytea NOT NULL,
    revoked_at bigint
);

CREATE TABLE IF NOT EXISTS agreement (
    mou text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    digest text NOT NULL,
    state text NOT NULL,
    body bytea NOT NULL,
    changed_at bigint NOT NULL,
    PRIMARY KEY (mou, version)
);

-- People who act, and what they signed. "user" is a reserved word of SQL.
CREATE TABLE IF NOT EXISTS person (
    id text COLLATE "C" PRIMARY KEY,
    agency text COLLATE "C" NOT NULL,
    roles text NOT NULL,
    public_key text NOT NULL,
    since bigint NOT NULL,
    disabled_at bigint
);

CREATE TABLE IF NOT EXISTS approval (
    mou text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    digest text NOT NULL,
    party text COLLATE "C" NOT NULL,
    person text COLLATE "C" NOT NULL REFERENCES person (id),
    at bigint NOT NULL,
    signature text NOT NULL,
    PRIMARY KEY (mou, version, party, person)
);

CREATE TABLE IF NOT EXISTS law (
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    digest text NOT NULL,
    body bytea NOT NULL,
    changed_at bigint NOT NULL,
    PRIMARY KEY (id, version)
);

-- A consent knows its person by a blind index only.
CREATE TABLE IF NOT EXISTS consent (
    id text COLLATE "C" PRIMARY KEY,
    subject text COLLATE "C" NOT NULL,
    holder text COLLATE "C" NOT NULL REFERENCES agency (id),
    labels text NOT NULL,
    recipient text NOT NULL,
    purpose text NOT NULL,
    since text NOT NULL,
    until text NOT NULL,
    document text NOT NULL,
    revoked bigint
);
CREATE INDEX IF NOT EXISTS consent_by_subject ON consent (subject);
CREATE INDEX IF NOT EXISTS consent_by_holder ON consent (holder, id);

CREATE TABLE IF NOT EXISTS exchange (
    id text COLLATE "C" PRIMARY KEY,
    digest text NOT NULL,
    archive bytea NOT NULL
);

-- One name space of ids per sender, small and never partitioned, so that ON CONFLICT finds a repeat whatever is purged
-- elsewhere.
CREATE TABLE IF NOT EXISTS sender_id (
    sender text COLLATE "C" NOT NULL,
    sender_id text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    PRIMARY KEY (sender, sender_id)
);

CREATE TABLE IF NOT EXISTS message (
    id text COLLATE "C" PRIMARY KEY,
    sender text COLLATE "C" NOT NULL,
    sender_id text COLLATE "C" NOT NULL,
    exchange text NOT NULL,
    action text NOT NULL,
    first text COLLATE "C" NOT NULL,
    received_at bigint NOT NULL,
    digest text NOT NULL,
    earlier text COLLATE "C",
    as_of bigint,
    content_digest bytea NOT NULL,
    receipt bytea NOT NULL,
    bucket text NOT NULL,
    key_index bigint NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS message_by_sender ON message (sender, id);
-- Only what follows an earlier message: most messages open a chain and are found by their own id.
CREATE INDEX IF NOT EXISTS message_by_first ON message (first) WHERE first <> id;

CREATE TABLE IF NOT EXISTS dissemination (
    id text COLLATE "C" PRIMARY KEY,
    message text COLLATE "C" NOT NULL REFERENCES message (id),
    recipient text COLLATE "C" NOT NULL,
    mou text NOT NULL,
    mou_version bigint NOT NULL,
    mou_digest text NOT NULL,
    clauses text NOT NULL,
    purpose text NOT NULL,
    shared bigint NOT NULL,
    payload_digest text NOT NULL,
    redactions text NOT NULL,
    bucket text NOT NULL,
    key_index bigint NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    cover bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS dissemination_by_message ON dissemination (message);

-- Bytes of one row out of the bytes of a whole batch: `place` is [first, length], counted from 1, or null.
CREATE OR REPLACE FUNCTION bytes_at(batch bytea, place jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT substring(batch FROM (place ->> 0)::integer FOR (place ->> 1)::integer) $$;

-- Sealed payloads do not shrink: no time is spent trying.
ALTER TABLE message ALTER COLUMN ciphertext SET STORAGE EXTERNAL;
ALTER TABLE dissemination ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

-- Places in the inboxes. Taken under a lock of the recipient, so that for one recipient they grow in the order of
-- commits and a poller never passes one that is committed later.
CREATE SEQUENCE IF NOT EXISTS inbox_position;

-- `fence` grows with each claim and each act of an officer, so that a worker whose lease was taken from it writes
-- nothing. `recalled` is set while a try is under way: it then ends recalled. Room is left in the pages, since each row
-- is changed some times.
CREATE TABLE IF NOT EXISTS delivery (
    id text COLLATE "C" PRIMARY KEY,
    dissemination text COLLATE "C" NOT NULL REFERENCES dissemination (id),
    message text COLLATE "C" NOT NULL,
    first text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    state text NOT NULL,
    urgent smallint NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    attempts bigint NOT NULL,
    delivered_at bigint,
    last_error text NOT NULL,
    evidence text NOT NULL,
    position bigint NOT NULL,
    fence bigint NOT NULL DEFAULT 0,
    lease_until bigint NOT NULL DEFAULT 0,
    recalled boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS delivery_by_dissemination ON delivery (dissemination);
CREATE INDEX IF NOT EXISTS delivery_lane ON delivery (recipient, urgent, due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS delivery_inbox ON delivery (recipient, position) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS delivery_sending ON delivery (recipient, first) WHERE state = 'sending';
CREATE INDEX IF NOT EXISTS delivery_ended ON delivery (state, recipient, id)
WHERE state IN ('undeliverable', 'expired', 'recalled');

-- What a recipient gets, with its delivery: columns in the order that `rows.record_of` reads them.
CREATE OR REPLACE VIEW dissemination_record AS
SELECT
    v.id AS delivery, d.id AS dissemination, m.id AS message, v.first, v.recipient, v.state, v.urgent, v.created_at,
    v.due_at, v.expires_at, v.attempts, v.delivered_at, v.last_error, v.evidence,
    d.id AS dissemination_again, m.id AS message_again, d.recipient AS recipient_again, d.mou, d.mou_version,
    d.mou_digest, d.clauses, d.purpose, d.shared, d.payload_digest, d.redactions,
    d.bucket, d.key_index, d.nonce, d.ciphertext,
    d.cover, m.sender, m.exchange, v.position,
    v.fence
FROM delivery AS v
JOIN dissemination AS d ON d.id = v.dissemination
JOIN message AS m ON m.id = d.message;

CREATE TABLE IF NOT EXISTS entry (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    type text NOT NULL,
    at bigint NOT NULL,
    leaf_hash bytea NOT NULL CHECK (length(leaf_hash) = 32),
    parties text NOT NULL,
    message text COLLATE "C",
    body bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_by_message ON entry (message) WHERE message IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_of_emergency ON entry (id, at) WHERE type = 'emergency';

CREATE TABLE IF NOT EXISTS pending_entry (
    entry bigint PRIMARY KEY
);

-- `prefix` is the first 8 bytes of the leaf hash: a narrow index, written a thousand at a time by the sequencer
-- instead of one random page with each entry.
CREATE TABLE IF NOT EXISTS leaf (
    idx bigint PRIMARY KEY,
    entry bigint NOT NULL UNIQUE REFERENCES entry (number),
    prefix bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS leaf_by_prefix ON leaf (prefix);

CREATE TABLE IF NOT EXISTS subtree (
    level integer NOT NULL,
    idx bigint NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, idx)
);

CREATE TABLE IF NOT EXISTS checkpoint (
    size bigint PRIMARY KEY,
    body bytea NOT NULL
);

CREATE TABLE IF NOT EXISTS refused (
    id text COLLATE "C" PRIMARY KEY,
    sender text NOT NULL,
    at bigint NOT NULL,
    code text NOT NULL,
    bucket text,
    key_index bigint,
    nonce bytea,
    ciphertext bytea
);

-- What a person wrote of an emergency release, sealed.
CREATE TABLE IF NOT EXISTS because (
    dissemination text COLLATE "C" PRIMARY KEY,
    bucket text NOT NULL,
    key_index bigint NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL
);

-- An entry cannot be written without standing in line for the tree.
CREATE OR REPLACE FUNCTION stand_in_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pending_entry (entry) SELECT number FROM written;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER entry_stands_in_line AFTER INSERT ON entry
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION stand_in_line();

-- The log is written once.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed or deleted', TG_TABLE_NAME;
END
$$;
CREATE OR REPLACE TRIGGER entry_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER leaf_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON leaf
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER subtree_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON subtree
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER checkpoint_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
