-- name: rare_entries
-- A page of the entries of types that an index finds: of each type as many as are wanted of all, then the first of them.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM unnest(:types::text []) AS asked (type)
CROSS JOIN LATERAL (
    SELECT *
    FROM entry
    WHERE
        entry.type = asked.type
        AND entry.type NOT IN ('receive', 'repeat', 'disseminate', 'deliver', 'evidence', 'fail', 'read')
        AND at >= :since::bigint AND at < :until::bigint
        AND (:after::text = '' OR (at, number) > (SELECT o.at, o.number FROM entry AS o WHERE o.id = :after))
    ORDER BY at, number
    LIMIT :limit
) AS e
LEFT JOIN leaf AS l ON l.entry = e.number
ORDER BY e.at, e.number
LIMIT :limit;

-- name: common_entries
-- A page of the entries of any types, in the order of ids.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.id > :after::text AND e.id >= :first::text AND e.id < :last::text
    AND e.type = ANY(:types::text [])
ORDER BY e.id
LIMIT :limit;

-- name: readings
-- A page of the readings of content by people.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.type = 'read' AND position('"actor":'::bytea IN e.body) > 0
    AND e.at >= :since::bigint AND e.at < :until::bigint
    AND (:after::text = '' OR (e.at, e.number) > (SELECT o.at, o.number FROM entry AS o WHERE o.id = :after))
ORDER BY e.at, e.number
LIMIT :limit;

-- name: disseminated
-- A page of what went under these versions of agreements.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM unnest(:versions::text []) AS asked (mou)
CROSS JOIN LATERAL (
    SELECT *
    FROM entry
    WHERE
        type = 'disseminate' AND substring(encode(body, 'escape') FROM '"mou":"([^"]+)"') = asked.mou
        AND at >= :since::bigint AND at < :until::bigint
        AND (:after::text = '' OR (at, number) > (SELECT o.at, o.number FROM entry AS o WHERE o.id = :after))
        AND (:sender::text = '' OR position(convert_to('"sender":"' || :sender || '"', 'UTF8') IN body) > 0)
        AND (:recipient::text = '' OR position(convert_to('"recipient":"' || :recipient || '"', 'UTF8') IN body) > 0)
        AND substring(encode(body, 'escape') FROM '"recipient":"([^"]+)"') <> substring(encode(body, 'escape') FROM '"sender":"([^"]+)"')
    ORDER BY at, number
    LIMIT :limit
) AS e
LEFT JOIN leaf AS l ON l.entry = e.number
ORDER BY e.at, e.number
LIMIT :limit;

-- name: all_disseminated
-- A page of what went under whatever agreement, in the order of ids.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.id > :after::text AND e.id >= :first::text AND e.id < :last::text
    AND e.type = 'disseminate'
    AND (:sender::text = '' OR position(convert_to('"sender":"' || :sender || '"', 'UTF8') IN e.body) > 0)
    AND (:recipient::text = '' OR position(convert_to('"recipient":"' || :recipient || '"', 'UTF8') IN e.body) > 0)
    AND substring(encode(e.body, 'escape') FROM '"recipient":"([^"]+)"') <> substring(encode(e.body, 'escape') FROM '"sender":"([^"]+)"')
ORDER BY e.id
LIMIT :limit;

-- name: accounted
-- A page of the disclosures that are accounted for.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.type = 'disseminate' AND position('"counts":'::bytea IN e.body) > 0
    AND e.at >= :since::bigint AND e.at < :until::bigint
    AND (:after::text = '' OR (e.at, e.number) > (SELECT o.at, o.number FROM entry AS o WHERE o.id = :after))
ORDER BY e.at, e.number
LIMIT :limit;

-- name: late
-- A page of the ends of deliveries that missed a deadline of the period. Moments in bodies have one length and sort.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE
    e.type IN ('deliver', 'undeliverable', 'expire', 'recall', 'discard')
    AND position('"deadline":'::bytea IN e.body) > 0
    AND substring(encode(e.body, 'escape') FROM '"deadline":"([^"]+)"') COLLATE "C" >= :since
    AND substring(encode(e.body, 'escape') FROM '"deadline":"([^"]+)"') COLLATE "C" < :until
    AND (:after::text = '' OR (e.at, e.number) > (SELECT o.at, o.number FROM entry AS o WHERE o.id = :after))
ORDER BY e.at, e.number
LIMIT :limit;

-- name: overdue
-- What should have arrived and is still under way. Only what waits or is being sent is read: small indexes hold those.
SELECT *
FROM (
    SELECT
        id, dissemination, message, first, recipient, state, urgent, created_at, due_at, expires_at, attempts,
        delivered_at, last_error, evidence, deadline
    FROM delivery
    WHERE state = 'waiting'
    UNION ALL
    SELECT
        id, dissemination, message, first, recipient, state, urgent, created_at, due_at, expires_at, attempts,
        delivered_at, last_error, evidence, deadline
    FROM delivery
    WHERE state = 'sending'
) AS under_way
WHERE deadline < :now::bigint AND deadline >= :since::bigint AND deadline < :until::bigint
ORDER BY deadline, recipient, id
LIMIT :limit;

-- name: entries_about
-- The stories of some messages.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE e.message IS NOT NULL AND e.message = ANY(:messages::text [])
ORDER BY e.number;

-- name: entries_at
-- Some leaves of the tree.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM leaf AS l
JOIN entry AS e ON e.number = l.entry
WHERE l.idx = ANY(:indexes::bigint [])
ORDER BY l.idx;

-- name: tallies
-- How often what an index finds by its type says each code.
SELECT
    type, coalesce(substring(encode(body, 'escape') FROM '"code":"([^"]+)"'), ''), count(*), min(at), max(at)
FROM entry
WHERE
    type = ANY(:types::text [])
    AND type NOT IN ('receive', 'repeat', 'disseminate', 'deliver', 'evidence', 'fail', 'read')
    AND at >= :since::bigint AND at < :until::bigint
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2;
