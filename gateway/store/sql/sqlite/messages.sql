-- name: known^
-- What is stored under a sender's own id.
SELECT m.id, m.content_digest, m.receipt
FROM sender_id AS s
JOIN message AS m ON m.id = s.message
WHERE s.sender = :sender AND s.sender_id = :sender_id;

-- name: messages
-- A page of all messages, newest first.
SELECT id, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of
FROM message
WHERE :before IS NULL OR id < :before
ORDER BY id DESC
LIMIT :limit;

-- name: messages_of_sender
-- A page of one sender's messages, newest first.
SELECT id, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of
FROM message
WHERE sender = :sender AND (:before IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :limit;

-- name: disseminations
-- Who gets what of one message.
SELECT *
FROM dissemination_record
WHERE message_number = (SELECT number FROM message WHERE id = :message)
ORDER BY recipient, number;

-- name: chain_messages
-- Every message of a chain, in the order in which they were stored.
SELECT id, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of
FROM message
WHERE number IN (
    SELECT number FROM message WHERE id = :first
    UNION
    SELECT number FROM message WHERE first = :first AND first <> id
)
ORDER BY number;

-- name: chain_size$
-- How many messages and disseminations a chain holds.
SELECT count(DISTINCT m.number) + count(d.number)
FROM message AS m
LEFT JOIN dissemination AS d ON d.message = m.number
WHERE
    m.number IN (
        SELECT number FROM message WHERE id = :first
        UNION
        SELECT number FROM message WHERE first = :first AND first <> id
    );

-- name: chain
-- Who got, or was to get, something of any message of a chain.
SELECT *
FROM dissemination_record
WHERE message_number IN (
    SELECT number FROM message WHERE id = :first
    UNION
    SELECT number FROM message WHERE first = :first AND first <> id
)
ORDER BY number;

-- name: count_messages$
-- How many messages were accepted: numbers have no gaps.
SELECT coalesce(max(number), 0) FROM message;
