-- name: consents
-- Every consent of these persons.
SELECT id, subject, holder, labels, recipient, purpose, since, until, document, revoked
FROM consent
WHERE subject = ANY(:subjects)
ORDER BY id;

-- name: consents_of
-- Newest first, of one agency or of all.
SELECT id, subject, holder, labels, recipient, purpose, since, until, document, revoked
FROM consent
WHERE (:holder::text IS NULL OR holder = :holder) AND (:before::text IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :limit;
