-- name: lock_space
-- One at a time: claims, or the sequencer.
SELECT pg_advisory_xact_lock(:space, 0);

-- name: end_recalled!
-- A try that was recalled while under way and whose worker is gone is over.
UPDATE delivery
SET state = 'recalled', fence = fence + 1
WHERE
    id IN (
        SELECT id
        FROM delivery
        WHERE state = 'sending' AND recalled AND lease_until <= :now
        FOR UPDATE SKIP LOCKED
    );

-- name: sending
-- Everything under way: few, as many as workers hold.
SELECT id, recipient, first, urgent, due_at, lease_until FROM delivery WHERE state = 'sending';

-- name: due
-- What is due first in each lane, leaving alone every chain that is under way there, and what an older message of its
-- chain goes before: one that is not urgent waits while that is still to be sent, an urgent one only for an urgent one
-- that is due. What is held goes before nothing, and whose time has run out waits for nothing. The lanes are found by skipping from one to the
-- next in the index.
WITH RECURSIVE lane (recipient) AS (
    SELECT min(recipient) FROM delivery WHERE state = 'waiting'
    UNION ALL
    SELECT (SELECT min(recipient) FROM delivery WHERE state = 'waiting' AND recipient > lane.recipient)
    FROM lane
    WHERE lane.recipient IS NOT NULL
)

SELECT due.id, due.recipient, due.first, due.urgent, due.due_at
FROM lane
CROSS JOIN (VALUES (1::smallint), (0::smallint)) AS kind (urgent)
CROSS JOIN LATERAL (
    SELECT waiting.id, waiting.recipient, waiting.first, waiting.urgent, waiting.due_at
    FROM delivery AS waiting
    WHERE
        waiting.state = 'waiting' AND waiting.recipient = lane.recipient
        AND waiting.urgent = kind.urgent AND waiting.due_at <= :now
        AND NOT EXISTS (
            SELECT 1
            FROM delivery AS sending
            WHERE
                sending.state = 'sending' AND sending.recipient = waiting.recipient
                AND sending.first = waiting.first
        )
        AND (
            waiting.message = waiting.first OR waiting.expires_at <= :now
            OR NOT EXISTS (
                SELECT 1
                FROM dissemination AS d
                JOIN delivery AS older ON older.dissemination = d.id
                WHERE
                    d.message IN (
                        SELECT waiting.first
                        UNION ALL
                        SELECT message.id FROM message
                        WHERE message.first = waiting.first AND message.first <> message.id
                    )
                    AND d.message < waiting.message AND d.recipient = waiting.recipient
                    AND older.state = 'waiting'
                    AND (waiting.urgent = 0 OR (older.urgent = 1 AND older.due_at <= :now))
                    AND (older.urgent = 1 OR d.mou || '@' || d.mou_version <> ALL(:held::text []))
            )
        )
    ORDER BY waiting.due_at
    LIMIT :limit
) AS due
WHERE lane.recipient = ANY(:push::text []);

-- name: take
-- Put these under way, as far as nobody else has changed them since; each with its new fence.
UPDATE delivery
SET state = 'sending', attempts = attempts + 1, fence = fence + 1, lease_until = :lease_until
WHERE
    id IN (
        SELECT id
        FROM delivery
        WHERE
            id = ANY(:ids::text [])
            AND (state = 'waiting' OR (state = 'sending' AND lease_until <= :now AND NOT recalled))
        ORDER BY id
        FOR UPDATE SKIP LOCKED
    )
RETURNING id;

-- name: taken
-- What a claim has taken.
SELECT * FROM dissemination_record WHERE delivery = ANY(:ids::text []);

-- name: held
-- Which of these tries are still held by their workers, locked.
SELECT v.id, v.fence
FROM unnest(:ids::text [], :fences::bigint []) AS shown (id, fence)
JOIN delivery AS v ON v.id = shown.id AND v.fence = shown.fence
WHERE v.state = 'sending'
ORDER BY v.id
FOR UPDATE OF v;

-- name: settle!
-- The outcome of a try. A recalled one ends recalled unless it arrived.
UPDATE delivery
SET
    state = CASE WHEN recalled AND :state <> 'delivered' THEN 'recalled' ELSE :state END,
    urgent = :urgent, due_at = :due_at, expires_at = :expires_at, attempts = :attempts,
    delivered_at = :delivered_at, last_error = :last_error, evidence = :evidence,
    fence = fence + 1, recalled = false
WHERE id = :id;

-- name: move$
-- An officer's or a recipient's act on a delivery that stands in `expected`. A worker that still holds it loses its
-- lease.
UPDATE delivery
SET
    state = :state, urgent = :urgent, due_at = :due_at, expires_at = :expires_at, attempts = :attempts,
    delivered_at = :delivered_at, last_error = :last_error, evidence = :evidence,
    fence = fence + 1, recalled = false
WHERE id = :id AND state = :expected
RETURNING recipient;

-- name: move_to_end!
-- A delivery that waits again gets a new place in the inbox, above what was polled meanwhile. The inbox is locked.
UPDATE delivery SET position = nextval('inbox_position') WHERE id = :id;

-- name: deliveries
-- A page of deliveries, newest first.
SELECT
    id, dissemination, message, first, recipient, state, urgent, created_at, due_at, expires_at, attempts,
    delivered_at, last_error, evidence, deadline
FROM delivery
WHERE
    (:state::text IS NULL OR state = :state)
    AND (:recipient::text IS NULL OR recipient = :recipient)
    AND (:before::text IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :limit;

-- name: ended_deliveries
-- A page of the deliveries that ended badly, newest first; its index is small, all deliveries are many.
SELECT
    id, dissemination, message, first, recipient, state, urgent, created_at, due_at, expires_at, attempts,
    delivered_at, last_error, evidence, deadline
FROM delivery
WHERE
    state IN ('undeliverable', 'expired', 'recalled') AND state = :state
    AND (:recipient::text IS NULL OR recipient = :recipient)
    AND (:before::text IS NULL OR id < :before)
ORDER BY id DESC
LIMIT :limit;

-- name: inbox
-- What waits for one recipient, in the order in which it came; without what these versions of agreements hold back.
SELECT *
FROM dissemination_record
WHERE
    state = 'waiting' AND recipient = :recipient AND position > :after
    AND (urgent = 1 OR mou || '@' || mou_version <> ALL(:withheld::text []))
ORDER BY position
LIMIT :limit;

-- name: urgent_inbox
-- Of what waits for one recipient, what is urgent, in the order in which it came: few, found by the index of lanes.
SELECT *
FROM dissemination_record
WHERE state = 'waiting' AND recipient = :recipient AND urgent = 1 AND position > :after
ORDER BY position
LIMIT :limit;

-- name: waiting_under
-- What waits and was decided under these versions of agreements.
SELECT v.id
FROM delivery AS v
JOIN dissemination AS d ON d.id = v.dissemination
WHERE v.state = 'waiting' AND v.urgent = 0 AND d.mou || '@' || d.mou_version = ANY(:versions::text [])
ORDER BY v.id
LIMIT :limit;

-- name: relist!
-- What waits under an agreement in these inboxes, which are locked, gets new positions in the same order.
WITH held AS (
    SELECT v.id
    FROM delivery AS v
    JOIN dissemination AS d ON d.id = v.dissemination
    WHERE v.state = 'waiting' AND v.recipient = ANY(:recipients::text []) AND d.mou = :mou
    ORDER BY v.position
    FOR UPDATE OF v
),

placed AS (SELECT id, nextval('inbox_position') AS position FROM held)

UPDATE delivery
SET position = placed.position
FROM placed
WHERE delivery.id = placed.id AND delivery.state = 'waiting';

-- name: count_deliveries
-- Deliveries that have not arrived, by recipient and state.
SELECT recipient, state, count(*) FROM delivery WHERE state = 'waiting' GROUP BY recipient, state
UNION ALL
SELECT recipient, state, count(*) FROM delivery WHERE state = 'sending' GROUP BY recipient, state
UNION ALL
SELECT recipient, state, count(*)
FROM delivery
WHERE state IN ('undeliverable', 'expired', 'recalled')
GROUP BY state, recipient
ORDER BY 1, 2;

-- name: oldest_due$
-- When the oldest waiting delivery fell due, inboxes aside.
SELECT min(due_at)
FROM delivery
WHERE
    state = 'waiting'
    AND recipient NOT IN (SELECT id FROM agency WHERE body::json -> 'endpoint' ->> 'kind' = 'inbox');
