-- name: accept_standing^
-- How things stand before a batch is written, in one row: the configuration's version, which of the batch's sender ids
-- are taken (their places in :senders), and the last numbers given.
SELECT
    (SELECT version FROM configuration),
    (
        SELECT json_group_array(wanted.key)
        FROM json_each(:sender_ids) AS wanted
        JOIN sender_id AS taken
            ON taken.sender = json_extract(wanted.value, '$[0]')
            AND taken.sender_id = json_extract(wanted.value, '$[1]')
    ),
    (SELECT coalesce(max(number), 0) FROM message),
    (SELECT coalesce(max(number), 0) FROM dissemination),
    (SELECT last FROM position);

-- name: chain_sizes
-- How many messages and disseminations each of these chains holds.
SELECT
    wanted.value,
    (
        SELECT count(DISTINCT m.number) + count(d.number)
        FROM message AS m
        LEFT JOIN dissemination AS d ON d.message = m.number
        WHERE
            m.number IN (
                SELECT number FROM message WHERE id = wanted.value
                UNION
                SELECT number FROM message WHERE first = wanted.value AND first <> id
            )
    )
FROM json_each(:firsts) AS wanted;

-- name: insert_sender_ids!
-- Take the ids of senders; a conflict is no error, and cannot be: the writer has just looked.
INSERT INTO sender_id (sender, sender_id, message)
VALUES (:sender, :sender_id, :message)
ON CONFLICT DO NOTHING;

-- name: insert_messages!
-- Accepted messages, with their sealed originals and their receipts.
INSERT INTO message (
    number, id, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of,
    content_digest, receipt, bucket, key_index, nonce, ciphertext
)
VALUES (
    :number, :id, :sender, :sender_id, :exchange, :action, :first, :received_at, :digest, :earlier, :as_of,
    :content_digest, :receipt, :bucket, :key_index, :nonce, :ciphertext
);

-- name: insert_disseminations!
-- What each recipient gets.
INSERT INTO dissemination (
    number, id, message, recipient, mou, mou_version, mou_digest, clauses, purpose, shared, payload_digest, redactions,
    bucket, key_index, nonce, ciphertext, cover
)
VALUES (
    :number, :id, :message, :recipient, :mou, :mou_version, :mou_digest, :clauses, :purpose, :shared, :payload_digest,
    :redactions, :bucket, :key_index, :nonce, :ciphertext, :cover
);

-- name: insert_deliveries!
-- How it is to get there.
INSERT INTO delivery (
    number, id, first, recipient, state, urgent, created_at, due_at, expires_at, attempts, delivered_at, last_error,
    evidence, position
)
VALUES (
    :number, :id, :first, :recipient, :state, :urgent, :created_at, :due_at, :expires_at, :attempts, :delivered_at,
    :last_error, :evidence, :position
);

-- name: insert_deadlines!
-- By when these deliveries must arrive.
INSERT INTO deadline (number, at)
VALUES (:number, :at);

-- name: set_position!
-- Remember the last inbox position given.
UPDATE position SET last = :last;

-- name: recall!
-- Withdraw what of a chain is still on its way to these recipients. A try under way is not stopped: it is marked, and ends
-- recalled unless it arrives.
UPDATE delivery
SET recalled = 1, state = CASE state WHEN 'waiting' THEN 'recalled' ELSE state END
WHERE
    state IN ('waiting', 'sending')
    AND recipient IN (SELECT value FROM json_each(:recipients))
    AND number IN (
        SELECT d.number
        FROM dissemination AS d
        WHERE d.message IN (
            SELECT number FROM message WHERE id = :first
            UNION
            SELECT number FROM message WHERE first = :first AND first <> id
        )
    );

-- name: make_due!
-- What waits of the chains that new deliveries, each [first, recipient, due_at], belong to is due with them: it goes to
-- the recipient before them.
UPDATE delivery
SET due_at = new.due_at
FROM (
    SELECT d.number, json_extract(each.value, '$[2]') AS due_at
    FROM json_each(:new) AS each
    CROSS JOIN dissemination AS d
    WHERE
        d.message IN (
            SELECT number FROM message WHERE id = json_extract(each.value, '$[0]')
            UNION
            SELECT number FROM message WHERE first = json_extract(each.value, '$[0]') AND first <> id
        )
        AND d.recipient = json_extract(each.value, '$[1]')
) AS new
WHERE delivery.number = new.number AND delivery.state = 'waiting' AND delivery.due_at > new.due_at;

-- name: insert_entries!
-- Audit entries; each stands in line for the tree by a trigger.
INSERT INTO entry (id, type, at, leaf_hash, parties, message, body)
VALUES (:id, :type, :at, :leaf_hash, :parties, :message, :body);

-- name: release_standing^
-- Before a release: the configuration's version, the message's number, the last numbers given.
SELECT
    (SELECT version FROM configuration),
    (SELECT number FROM message WHERE id = :message),
    (SELECT coalesce(max(number), 0) FROM dissemination),
    (SELECT last FROM position);
