-- name: known
-- What is stored under senders' own ids.
SELECT s.sender, s.sender_id, m.id, m.content_digest, m.receipt
FROM unnest(:senders::text [], :sender_ids::text []) AS wanted (sender, sender_id)
JOIN sender_id AS s ON s.sender = wanted.sender AND s.sender_id = wanted.sender_id
JOIN message AS m ON m.id = s.message;

-- name: messages
-- A page of all messages, newest first.
SELECT id, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of
FROM message
WHERE :before::text IS NULL OR id < :before
ORDER BY id DESC
LIMIT :limit;

-- name: messages_of_sender
-- A page of one sender's messages, newest first.
SELECT id, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of
FROM message
WHERE sender = :sender AND (:before::text IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :limit;

-- name: disseminations
-- Who gets what of one message.
SELECT * FROM dissemination_record WHERE message = :message ORDER BY recipient, delivery;

-- name: chain_messages
-- Every message of a chain, in the order in which they were stored: in a chain the ids sort so.
SELECT id, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of
FROM message
WHERE
    id IN (
        SELECT id FROM message WHERE id = :first
        UNION ALL
        SELECT id FROM message WHERE first = :first AND first <> id
    )
ORDER BY id;

-- name: chain_size$
-- How many messages and disseminations a chain holds.
SELECT count(DISTINCT m.id) + count(d.id)
FROM message AS m
LEFT JOIN dissemination AS d ON d.message = m.id
WHERE
    m.id IN (
        SELECT :first
        UNION ALL
        SELECT id FROM message WHERE first = :first AND first <> id
    );

-- name: chain
-- Who got, or was to get, something of any message of a chain.
SELECT *
FROM dissemination_record
WHERE
    message IN (
        SELECT id FROM message WHERE id = :first
        UNION ALL
        SELECT id FROM message WHERE first = :first AND first <> id
    )
ORDER BY message, delivery;

-- name: count_messages$
-- How many messages are held.
SELECT count(*) FROM sender_id;
