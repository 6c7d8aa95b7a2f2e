-- The disclosure index: who got what of a person. Everything that tells is encrypted under keys that are not in here,
-- and tokens are made of such keys. `generation` names the key file.
CREATE TABLE IF NOT EXISTS disclosure (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation text COLLATE "C" NOT NULL,
    key_index bigint NOT NULL,
    nonce bytea NOT NULL,
    tokens bytea NOT NULL,
    ciphertext bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS disclosure_by_generation ON disclosure (generation);

CREATE TABLE IF NOT EXISTS disclosure_token (
    token bigint NOT NULL,
    disclosure bigint NOT NULL,
    PRIMARY KEY (token, disclosure)
);

-- Rows whose tokens are not arranged yet: a row is written at the end of a table, its tokens all over a tree.
CREATE TABLE IF NOT EXISTS waiting_disclosure (
    disclosure bigint PRIMARY KEY
);
CREATE OR REPLACE FUNCTION disclosure_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO waiting_disclosure (disclosure) SELECT number FROM written;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER disclosure_waits AFTER INSERT ON disclosure
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION disclosure_waits();

-- Orders to forget somebody whose keys may not all be destroyed yet.
CREATE TABLE IF NOT EXISTS expunging (
    id text COLLATE "C" PRIMARY KEY,
    points text NOT NULL,
    count bigint NOT NULL
);
