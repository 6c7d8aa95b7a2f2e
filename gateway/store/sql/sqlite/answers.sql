-- name: rare_entries
-- A page of the entries of types that an index finds: of each type as many as are wanted of all, then the first of them.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM json_each(:types) AS asked
JOIN entry AS e ON e.number IN (
    SELECT number
    FROM entry
    WHERE
        type = asked.value
        AND type NOT IN ('receive', 'repeat', 'disseminate', 'deliver', 'evidence', 'fail', 'read')
        AND at >= :since AND at < :until
        AND (:after = '' OR (at, number) > (SELECT at, number FROM entry WHERE id = :after))
    ORDER BY at, number
    LIMIT :limit
)
LEFT JOIN leaf AS l ON l.entry = e.number
ORDER BY e.at, e.number
LIMIT :limit;

-- name: common_entries
-- A page of the entries of any types, in the order of ids.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.id > :after AND e.id >= :first AND e.id < :last
    AND e.type IN (SELECT value FROM json_each(:types))
ORDER BY e.id
LIMIT :limit;

-- name: readings
-- A page of the readings of content by people.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.type = 'read' AND instr(CAST(e.body AS TEXT), '"actor":') > 0
    AND e.at >= :since AND e.at < :until
    AND (:after = '' OR (e.at, e.number) > (SELECT at, number FROM entry WHERE id = :after))
ORDER BY e.at, e.number
LIMIT :limit;

-- name: disseminated
-- A page of what went under these versions of agreements.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM json_each(:versions) AS asked
JOIN entry AS e ON e.number IN (
    SELECT number
    FROM entry
    WHERE
        type = 'disseminate' AND json_extract(CAST(body AS TEXT), '$.mou') = asked.value
        AND at >= :since AND at < :until
        AND (:after = '' OR (at, number) > (SELECT at, number FROM entry WHERE id = :after))
        AND (:sender = '' OR instr(CAST(body AS TEXT), '"sender":"' || :sender || '"') > 0)
        AND (:recipient = '' OR instr(CAST(body AS TEXT), '"recipient":"' || :recipient || '"') > 0)
        AND json_extract(CAST(body AS TEXT), '$.recipient') <> json_extract(CAST(body AS TEXT), '$.sender')
    ORDER BY at, number
    LIMIT :limit
)
LEFT JOIN leaf AS l ON l.entry = e.number
ORDER BY e.at, e.number
LIMIT :limit;

-- name: all_disseminated
-- A page of what went under whatever agreement, in the order of ids.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.id > :after AND e.id >= :first AND e.id < :last
    AND e.type = 'disseminate'
    AND (:sender = '' OR instr(CAST(e.body AS TEXT), '"sender":"' || :sender || '"') > 0)
    AND (:recipient = '' OR instr(CAST(e.body AS TEXT), '"recipient":"' || :recipient || '"') > 0)
    AND json_extract(CAST(e.body AS TEXT), '$.recipient') <> json_extract(CAST(e.body AS TEXT), '$.sender')
ORDER BY e.id
LIMIT :limit;

-- name: accounted
-- A page of the disclosures that are accounted for.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.type = 'disseminate' AND instr(CAST(e.body AS TEXT), '"counts":') > 0
    AND e.at >= :since AND e.at < :until
    AND (:after = '' OR (e.at, e.number) > (SELECT at, number FROM entry WHERE id = :after))
ORDER BY e.at, e.number
LIMIT :limit;

-- name: late
-- A page of the ends of deliveries that missed a deadline of the period. Moments in bodies have one length and sort.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.type IN ('deliver', 'undeliverable', 'expire', 'recall', 'discard')
    AND instr(CAST(e.body AS TEXT), '"deadline":') > 0
    AND json_extract(CAST(e.body AS TEXT), '$.deadline') >= :since
    AND json_extract(CAST(e.body AS TEXT), '$.deadline') < :until
    AND (:after = '' OR (e.at, e.number) > (SELECT at, number FROM entry WHERE id = :after))
ORDER BY e.at, e.number
LIMIT :limit;

-- name: overdue
-- What should have arrived and is still under way. Only what waits or is being sent is read: small indexes hold those.
WITH under_way (number) AS (
    SELECT number FROM delivery WHERE state = 'waiting'
    UNION ALL
    SELECT number FROM delivery WHERE state = 'sending'
)
SELECT
    v.id, d.id, m.id, v.first, v.recipient, v.state, v.urgent, v.created_at, v.due_at, v.expires_at, v.attempts,
    v.delivered_at, v.last_error, v.evidence, t.at
FROM under_way
CROSS JOIN deadline AS t ON t.number = under_way.number
CROSS JOIN delivery AS v ON v.number = under_way.number
CROSS JOIN dissemination AS d ON d.number = under_way.number
CROSS JOIN message AS m ON m.number = d.message
WHERE t.at < :now AND t.at >= :since AND t.at < :until
ORDER BY t.at, v.recipient, v.id
LIMIT :limit;

-- name: entries_about
-- The stories of some messages.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM json_each(:messages) AS asked
JOIN entry AS e ON e.message = asked.value
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE e.message IS NOT NULL
ORDER BY e.number;

-- name: entries_at
-- Some leaves of the tree.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM json_each(:indexes) AS asked
JOIN leaf AS l ON l.idx = asked.value
JOIN entry AS e ON e.number = l.entry
ORDER BY l.idx;

-- name: tallies
-- How often what an index finds by its type says each code.
SELECT e.type, coalesce(json_extract(CAST(e.body AS TEXT), '$.code'), ''), count(*), min(e.at), max(e.at)
FROM json_each(:types) AS asked
JOIN entry AS e ON
    e.type = asked.value
    AND e.type NOT IN ('receive', 'repeat', 'disseminate', 'deliver', 'evidence', 'fail', 'read')
WHERE e.at >= :since AND e.at < :until
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2;
