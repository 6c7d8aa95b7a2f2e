-- name: fact$
-- A named fact.
SELECT value FROM fact WHERE name = :name;

-- name: set_fact!
-- A named fact, unless it stands already.
INSERT INTO fact (name, value)
VALUES (:name, :value)
ON CONFLICT DO NOTHING;

-- name: configuration_version$
-- The version of the configuration, asked for each message.
SELECT version FROM configuration;

-- name: agencies
-- Every agency.
SELECT body FROM agency ORDER BY id;

-- name: credentials
-- Every credential, revoked and expired ones too.
SELECT fingerprint, kind, agency, not_before, not_after, certificate, revoked_at
FROM credential
ORDER BY fingerprint;

-- name: authorities
-- Every authority of every agency, revoked ones too.
SELECT agency, fingerprint, names, not_before, not_after, certificate, intermediates, revoked_at
FROM authority
ORDER BY agency, fingerprint;

-- name: revocation_lists
-- The newest list of each authority.
SELECT issuer, body, stored_at FROM revocation_list ORDER BY issuer;

-- name: agreements
-- Every version of every agreement.
SELECT mou, version, digest, state, body, changed_at
FROM agreement
ORDER BY mou, version;

-- name: exchanges
-- Every registered message specification.
SELECT id, digest, archive FROM exchange ORDER BY id;

-- name: users
-- Every person, those shut out too.
SELECT id, agency, roles, public_key, since, disabled_at FROM person ORDER BY id;

-- name: approvals
-- Every approval of every version.
SELECT mou, version, digest, party, person, at, signature FROM approval ORDER BY mou, version, party, person;

-- name: withdrawals
-- Every approval that was taken back.
SELECT mou, version, digest, party, person, by_person, at, signature
FROM withdrawal
ORDER BY mou, version, party, person;

-- name: laws
-- Every version of every law pack.
SELECT id, version, digest, body, changed_at FROM law ORDER BY id, version;

-- name: put_agency!
-- A new agency, or its new state.
INSERT INTO agency (id, body)
VALUES (:id, :body)
ON CONFLICT (id) DO UPDATE SET body = excluded.body;

-- name: put_credential!
-- A new credential, or its new state.
INSERT INTO credential (fingerprint, kind, agency, not_before, not_after, certificate, revoked_at)
VALUES (:fingerprint, :kind, :agency, :not_before, :not_after, :certificate, :revoked_at)
ON CONFLICT (fingerprint) DO UPDATE SET
    kind = excluded.kind, agency = excluded.agency, not_before = excluded.not_before, not_after = excluded.not_after,
    certificate = excluded.certificate, revoked_at = excluded.revoked_at;

-- name: put_authority!
-- An authority of an agency, or its new state.
INSERT INTO authority (agency, fingerprint, names, not_before, not_after, certificate, intermediates, revoked_at)
VALUES (:agency, :fingerprint, :names, :not_before, :not_after, :certificate, :intermediates, :revoked_at)
ON CONFLICT (agency, fingerprint) DO UPDATE SET
    names = excluded.names, not_before = excluded.not_before, not_after = excluded.not_after,
    certificate = excluded.certificate, intermediates = excluded.intermediates, revoked_at = excluded.revoked_at;

-- name: put_revocation_list!
-- A newer list of an authority: whoever changes the configuration has compared them.
INSERT INTO revocation_list (issuer, body, stored_at)
VALUES (:issuer, :body, :stored_at)
ON CONFLICT (issuer) DO UPDATE SET body = excluded.body, stored_at = excluded.stored_at;

-- name: put_agreement!
-- A new version of an agreement, or its new state.
INSERT INTO agreement (mou, version, digest, state, body, changed_at)
VALUES (:mou, :version, :digest, :state, :body, :changed_at)
ON CONFLICT (mou, version) DO UPDATE SET
    digest = excluded.digest, state = excluded.state, body = excluded.body, changed_at = excluded.changed_at;

-- name: put_user!
-- A new person, or their new state.
INSERT INTO person (id, agency, roles, public_key, since, disabled_at)
VALUES (:id, :agency, :roles, :public_key, :since, :disabled_at)
ON CONFLICT (id) DO UPDATE SET
    agency = excluded.agency, roles = excluded.roles, public_key = excluded.public_key, since = excluded.since,
    disabled_at = excluded.disabled_at;

-- name: put_approval!
-- A new approval, or the same person's later one.
INSERT INTO approval (mou, version, digest, party, person, at, signature)
VALUES (:mou, :version, :digest, :party, :person, :at, :signature)
ON CONFLICT (mou, version, party, person) DO UPDATE SET
    digest = excluded.digest, at = excluded.at, signature = excluded.signature;

-- name: put_withdrawal!
-- An approval is taken back, or a later one of the same person.
INSERT INTO withdrawal (mou, version, digest, party, person, by_person, at, signature)
VALUES (:mou, :version, :digest, :party, :person, :by_person, :at, :signature)
ON CONFLICT (mou, version, party, person) DO UPDATE SET
    digest = excluded.digest, by_person = excluded.by_person, at = excluded.at, signature = excluded.signature;

-- name: put_law!
-- A new version of a law pack. What was in force is never changed.
INSERT INTO law (id, version, digest, body, changed_at)
VALUES (:id, :version, :digest, :body, :changed_at)
ON CONFLICT (id, version) DO NOTHING;

-- name: put_exchange!
-- A new message specification, or its new archive.
INSERT INTO exchange (id, digest, archive)
VALUES (:id, :digest, :archive)
ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, archive = excluded.archive;
