-- name: consent^
-- One consent.
SELECT id, subject, holder, labels, recipient, purpose, since, until, document, revoked
FROM consent
WHERE id = :id;

-- name: put_consent!
-- A new consent, or one that was taken back. A document changed is another consent.
INSERT INTO consent (id, subject, holder, labels, recipient, purpose, since, until, document, revoked)
VALUES (:id, :subject, :holder, :labels, :recipient, :purpose, :since, :until, :document, :revoked)
ON CONFLICT (id) DO UPDATE SET revoked = excluded.revoked;
