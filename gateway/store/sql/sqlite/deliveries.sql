-- name: end_recalled!
-- A try that was recalled while under way and whose worker is gone is over.
UPDATE delivery
SET state = 'recalled', fence = fence + 1, lease_until = NULL
WHERE state = 'sending' AND recalled AND lease_until <= :now;

-- name: sending
-- Everything under way: few, as many as workers hold.
SELECT number, recipient, first, urgent, due_at, coalesce(lease_until, 0) FROM delivery WHERE state = 'sending';

-- name: lanes
-- Recipients for whom something waits, by skipping from one to the next in the index.
WITH RECURSIVE lane (recipient) AS (
    SELECT min(recipient) FROM delivery WHERE state = 'waiting'
    UNION ALL
    SELECT (SELECT min(recipient) FROM delivery WHERE state = 'waiting' AND recipient > lane.recipient)
    FROM lane
    WHERE lane.recipient IS NOT NULL
)
SELECT recipient FROM lane WHERE recipient IS NOT NULL;

-- name: due
-- What is due first in one lane, leaving alone every chain that is under way there, and what an older message of its
-- chain goes before: one that is not urgent waits while that is still to be sent, an urgent one only for an urgent one
-- that is due. What is held goes before nothing, and whose time has run out waits for nothing.
SELECT number, recipient, first, urgent, due_at
FROM delivery AS waiting
WHERE
    state = 'waiting' AND recipient = :recipient AND urgent = :urgent AND due_at <= :now
    AND NOT EXISTS (
        SELECT 1
        FROM delivery AS sending
        WHERE
            sending.state = 'sending' AND sending.recipient = waiting.recipient AND sending.first = waiting.first
    )
    AND NOT EXISTS (
        SELECT 1
        FROM dissemination AS mine
        CROSS JOIN dissemination AS d
        CROSS JOIN delivery AS older
        WHERE
            mine.number = waiting.number AND waiting.expires_at > :now
            AND d.message IN (
                SELECT number FROM message WHERE id = waiting.first
                UNION
                SELECT number FROM message WHERE first = waiting.first AND first <> id
            )
            AND d.message < mine.message AND d.recipient = waiting.recipient
            AND older.number = d.number AND older.state = 'waiting'
            AND (waiting.urgent = 0 OR (older.urgent AND older.due_at <= :now))
            AND (older.urgent OR d.mou || '@' || d.mou_version NOT IN (SELECT value FROM json_each(:held)))
    )
ORDER BY due_at
LIMIT :limit;

-- name: take
-- Put these under way; each with its new fence.
UPDATE delivery
SET state = 'sending', attempts = attempts + 1, fence = fence + 1, lease_until = :lease_until
WHERE number IN (SELECT value FROM json_each(:numbers))
RETURNING number, fence;

-- name: taken
-- What a claim has taken, with its fence.
SELECT * FROM dissemination_record WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: held$
-- Which of these tries, each [number, fence, id], are still held by their workers: their places in :leases.
SELECT json_group_array(shown.key)
FROM json_each(:leases) AS shown
JOIN delivery AS v
    ON v.number = json_extract(shown.value, '$[0]')
    AND v.fence = json_extract(shown.value, '$[1]')
    AND v.id = json_extract(shown.value, '$[2]')
WHERE v.state = 'sending';

-- name: settle!
-- The outcomes of tries, each [number, state, urgent, due_at, expires_at, attempts, delivered_at, last_error, evidence]. A recalled one
-- ends recalled unless it arrived.
UPDATE delivery
SET
    state = CASE
        WHEN recalled AND json_extract(outcome.value, '$[1]') <> 'delivered' THEN 'recalled'
        ELSE json_extract(outcome.value, '$[1]')
    END,
    urgent = json_extract(outcome.value, '$[2]'),
    due_at = json_extract(outcome.value, '$[3]'),
    expires_at = json_extract(outcome.value, '$[4]'),
    attempts = json_extract(outcome.value, '$[5]'),
    delivered_at = json_extract(outcome.value, '$[6]'),
    last_error = json_extract(outcome.value, '$[7]'),
    evidence = json_extract(outcome.value, '$[8]'),
    fence = fence + 1,
    lease_until = NULL,
    recalled = 0
FROM json_each(:outcomes) AS outcome
WHERE delivery.number = json_extract(outcome.value, '$[0]');

-- name: move!
-- An officer's or a recipient's act on a delivery that stands in `expected`. One that waits again gets a new place in the inbox,
-- above what was polled meanwhile. A worker that still holds it loses its lease.
UPDATE delivery
SET
    state = :state, urgent = :urgent, due_at = :due_at, expires_at = :expires_at, attempts = :attempts,
    delivered_at = :delivered_at, last_error = :last_error, evidence = :evidence,
    fence = fence + 1, lease_until = NULL, recalled = 0,
    position = CASE WHEN :state = 'waiting' AND state <> 'waiting' THEN :position ELSE position END
WHERE id = :id AND state = :expected;

-- name: next_position$
-- The next place in the inboxes.
UPDATE position SET last = last + 1 RETURNING last;

-- name: deliveries
-- A page of deliveries, newest first.
SELECT
    delivery, dissemination, message, first, recipient, state, urgent, created_at, due_at, expires_at, attempts,
    delivered_at, last_error, evidence, deadline
FROM dissemination_record
WHERE
    (:state IS NULL OR state = :state)
    AND (:recipient IS NULL OR recipient = :recipient)
    AND (:before IS NULL OR delivery < :before)
ORDER BY delivery DESC
LIMIT :limit;

-- name: ended_deliveries
-- A page of the deliveries that ended badly for one recipient, newest first; its index is small, all deliveries are many.
SELECT
    delivery, dissemination, message, first, recipient, state, urgent, created_at, due_at, expires_at, attempts,
    delivered_at, last_error, evidence, deadline
FROM dissemination_record
WHERE
    state IN ('undeliverable', 'expired', 'recalled') AND state = :state
    AND (:recipient IS NULL OR recipient = :recipient)
    AND (:before IS NULL OR delivery < :before)
ORDER BY delivery DESC
LIMIT :limit;

-- name: inbox
-- What waits for one recipient, in the order in which it came; without what these versions of agreements hold back.
SELECT *
FROM dissemination_record
WHERE
    state = 'waiting' AND recipient = :recipient AND position > :after
    AND (urgent OR mou || '@' || mou_version NOT IN (SELECT value FROM json_each(:withheld)))
ORDER BY position
LIMIT :limit;

-- name: urgent_inbox
-- Of what waits for one recipient, what is urgent, in the order in which it came: few, found by the index of lanes.
SELECT *
FROM dissemination_record
WHERE state = 'waiting' AND recipient = :recipient AND urgent = 1 AND position > :after
ORDER BY +position
LIMIT :limit;

-- name: waiting_under
-- What waits and was decided under these versions of agreements.
SELECT v.id
FROM delivery AS v
JOIN dissemination AS d ON d.number = v.number
WHERE
    v.state = 'waiting' AND NOT v.urgent
    AND d.mou || '@' || d.mou_version IN (SELECT value FROM json_each(:versions))
ORDER BY v.number
LIMIT :limit;

-- name: relist!
-- What waits under an agreement in these inboxes gets new positions, in the same order.
UPDATE delivery
SET position = placed.position
FROM (
    SELECT v.number, (SELECT last FROM position) + row_number() OVER (ORDER BY v.position) AS position
    FROM delivery AS v
    JOIN dissemination AS d ON d.number = v.number
    WHERE
        v.state = 'waiting' AND v.recipient IN (SELECT value FROM json_each(:recipients)) AND d.mou = :mou
) AS placed
WHERE delivery.number = placed.number;

-- name: add_positions!
-- So many positions more were given.
UPDATE position SET last = last + :count;

-- name: count_deliveries
-- Deliveries that have not arrived, by recipient and state.
SELECT recipient, state, count(*) FROM delivery WHERE state = 'waiting' GROUP BY recipient
UNION ALL
SELECT recipient, state, count(*) FROM delivery WHERE state = 'sending' GROUP BY recipient
UNION ALL
SELECT recipient, state, count(*)
FROM delivery
WHERE state IN ('undeliverable', 'expired', 'recalled')
GROUP BY state, recipient
ORDER BY recipient, state;

-- name: oldest_due$
-- When the oldest waiting delivery fell due, inboxes aside.
SELECT min(due_at)
FROM delivery
WHERE
    state = 'waiting'
    AND recipient NOT IN (SELECT id FROM agency WHERE json_extract(body, '$.endpoint.kind') = 'inbox');
