-- name: insert_signature_uses
-- Take signatures for messages whose ids are taken already. Gives the messages that got theirs: of the others it made a
-- message before. In ascending order, so that nobody waits in a circle.
INSERT INTO signature_use (sender, digest, message, until)
SELECT wanted.sender, wanted.digest, wanted.message, wanted.until
FROM unnest(:senders::text [], :digests::text [], :messages::text [], :untils::bigint [])
AS wanted (sender, digest, message, until)
ON CONFLICT DO NOTHING
RETURNING message;

-- name: release_sender_ids!
-- Let ids go again that this transaction took.
DELETE FROM sender_id
USING unnest(:senders::text [], :sender_ids::text []) AS taken (sender, sender_id)
WHERE sender_id.sender = taken.sender AND sender_id.sender_id = taken.sender_id;

-- name: forget_signatures
-- Some of those that are stale; what another process forgets at this moment is left to it.
DELETE FROM signature_use
WHERE (sender, digest) IN (
    SELECT sender, digest FROM signature_use WHERE until < :before ORDER BY until LIMIT :limit FOR UPDATE SKIP LOCKED
)
RETURNING digest;
