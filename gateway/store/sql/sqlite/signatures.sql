-- name: used_signatures^
-- Which signatures of a batch made a message before: their places in :signatures.
SELECT json_group_array(wanted.key)
FROM json_each(:signatures) AS wanted
JOIN signature_use AS used
    ON used.sender = json_extract(wanted.value, '$[0]')
    AND used.digest = json_extract(wanted.value, '$[1]');

-- name: insert_signature_uses!
-- Signatures by which messages are accepted.
INSERT INTO signature_use (sender, digest, message, until)
VALUES (:sender, :digest, :message, :until);

-- name: forget_signatures!
-- Some of those that are stale, so that nobody waits long.
DELETE FROM signature_use
WHERE rowid IN (SELECT rowid FROM signature_use WHERE until < :before ORDER BY until LIMIT :limit);
