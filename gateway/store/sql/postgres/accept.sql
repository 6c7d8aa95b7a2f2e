-- name: share_configuration
-- Held by whoever decides under the configuration until its transaction ends; whoever changes it waits, and the other way
-- round. An advisory lock, since a row lock would write to the same row with each message.
SELECT pg_advisory_xact_lock_shared(:space, 0);

-- name: insert_sender_ids
-- Take the ids of senders for those decided under the present configuration and, the chains being locked, under all
-- that their chains hold. Gives those that were free.
INSERT INTO sender_id (sender, sender_id, message)
SELECT wanted.sender, wanted.sender_id, wanted.message
FROM unnest(
    :senders::text [], :sender_ids::text [], :messages::text [], :configurations::bigint [], :firsts::text [],
    :chain_sizes::bigint []
)
AS wanted (sender, sender_id, message, configuration, first, chain_size)
WHERE
    wanted.configuration = (SELECT version FROM configuration)
    AND wanted.chain_size = CASE
        WHEN wanted.first = wanted.message THEN 0
        ELSE (
            SELECT count(DISTINCT m.id) + count(d.id)
            FROM message AS m
            LEFT JOIN dissemination AS d ON d.message = m.id
            WHERE
                m.id IN (
                    SELECT wanted.first
                    UNION ALL
                    SELECT message.id FROM message WHERE message.first = wanted.first AND message.first <> message.id
                )
        )
    END
ON CONFLICT DO NOTHING
RETURNING message;

-- name: taken_sender_ids
-- Which of these sender ids are taken.
SELECT taken.sender, taken.sender_id
FROM unnest(:senders::text [], :sender_ids::text []) AS wanted (sender, sender_id)
JOIN sender_id AS taken ON taken.sender = wanted.sender AND taken.sender_id = wanted.sender_id;

-- name: insert_messages!
-- Accepted messages, with their sealed originals and their receipts. Here and below: all rows of a batch as one JSON
-- text, their bytes as one run of bytes. Measured: half the client's time of a row at a time, and less than half the
-- server's.
INSERT INTO message (
    id, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of, content_digest, receipt,
    bucket, key_index, nonce, ciphertext
)
SELECT
    r ->> 0, r ->> 1, r ->> 2, r ->> 3, r ->> 4, r ->> 5, (r ->> 6)::bigint, r ->> 7, r ->> 8, (r ->> 9)::bigint,
    bytes_at(:bytes, r -> 10), bytes_at(:bytes, r -> 11), r ->> 12, (r ->> 13)::bigint, bytes_at(:bytes, r -> 14),
    bytes_at(:bytes, r -> 15)
FROM jsonb_array_elements(:rows::jsonb) WITH ORDINALITY AS batch (r, place)
ORDER BY place;

-- name: insert_disseminations!
-- What each recipient gets.
INSERT INTO dissemination (
    id, message, recipient, mou, mou_version, mou_digest, clauses, purpose, shared, payload_digest, redactions,
    bucket, key_index, nonce, ciphertext, cover
)
SELECT
    r ->> 0, r ->> 1, r ->> 2, r ->> 3, (r ->> 4)::bigint, r ->> 5, r ->> 6, r ->> 7, (r ->> 8)::bigint, r ->> 9,
    r ->> 10, r ->> 11, (r ->> 12)::bigint, bytes_at(:bytes, r -> 13), bytes_at(:bytes, r -> 14),
    bytes_at(:bytes, r -> 15)
FROM jsonb_array_elements(:rows::jsonb) WITH ORDINALITY AS batch (r, place)
ORDER BY place;

-- name: lock_keys
-- Hold these keys of a space until the transaction ends. They come in ascending order, so that nobody waits in a circle.
SELECT pg_advisory_xact_lock(:space, key) FROM unnest(:keys::int4 []) AS key;

-- name: insert_deliveries!
-- How it is to get there. The inboxes are locked: the position is above all that others have committed in this one.
INSERT INTO delivery (
    id, dissemination, message, first, recipient, state, urgent, created_at, due_at, expires_at, attempts,
    delivered_at, last_error, evidence, deadline, position
)
SELECT
    r ->> 0, r ->> 1, r ->> 2, r ->> 3, r ->> 4, r ->> 5, (r ->> 6)::bigint, (r ->> 7)::bigint, (r ->> 8)::bigint,
    (r ->> 9)::bigint, (r ->> 10)::bigint, (r ->> 11)::bigint, r ->> 12, r ->> 13, (r ->> 14)::bigint,
    nextval('inbox_position')
FROM jsonb_array_elements(:rows::jsonb) WITH ORDINALITY AS batch (r, place)
ORDER BY place;

-- name: recall!
-- Withdraw what of a chain is still on its way to these recipients. A try under way is not stopped: it is marked, and
-- ends recalled unless it arrives.
UPDATE delivery
SET recalled = true, state = CASE state WHEN 'waiting' THEN 'recalled' ELSE state END
WHERE
    id IN (
        SELECT v.id
        FROM delivery AS v
        JOIN dissemination AS d ON d.id = v.dissemination
        WHERE
            d.message IN (
                SELECT id FROM message WHERE id = :first
                UNION ALL
                SELECT id FROM message WHERE first = :first AND first <> id
            )
            AND v.recipient = ANY(:recipients::text [])
            AND v.state IN ('waiting', 'sending')
        ORDER BY v.id
        FOR UPDATE OF v
    )
    AND state IN ('waiting', 'sending');

-- name: make_due!
-- What waits of the chains that new deliveries belong to is due with them: it goes to the recipient before them.
WITH new AS (
    SELECT v.id, wanted.due_at
    FROM unnest(:firsts::text [], :recipients::text [], :due_ats::bigint []) AS wanted (first, recipient, due_at)
    CROSS JOIN LATERAL (
        SELECT v.id
        FROM dissemination AS d
        JOIN delivery AS v ON v.dissemination = d.id
        WHERE
            d.message IN (
                SELECT wanted.first
                UNION ALL
                SELECT message.id FROM message WHERE message.first = wanted.first AND message.first <> message.id
            )
            AND d.recipient = wanted.recipient
            AND v.state = 'waiting' AND v.due_at > wanted.due_at
    ) AS v
),

held AS (
    SELECT id FROM delivery WHERE id IN (SELECT id FROM new) ORDER BY id FOR UPDATE
)

UPDATE delivery
SET due_at = new.due_at
FROM new
JOIN held ON held.id = new.id
WHERE delivery.id = new.id AND delivery.state = 'waiting' AND delivery.due_at > new.due_at;

-- name: insert_entries!
-- Audit entries; they stand in line for the tree by a trigger.
INSERT INTO entry (
    id, type, at, leaf_hash, parties, message, body
)
SELECT
    r ->> 0, r ->> 1, (r ->> 2)::bigint, bytes_at(:bytes, r -> 3), r ->> 4, r ->> 5, bytes_at(:bytes, r -> 6)
FROM jsonb_array_elements(:rows::jsonb) WITH ORDINALITY AS batch (r, place)
ORDER BY place;

-- name: release_standing^
-- Before a release, the chain being locked: the configuration's version, and how many messages have its id.
SELECT
    (SELECT version FROM configuration),
    (SELECT count(*) FROM message WHERE id = :message);
