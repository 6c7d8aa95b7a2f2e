-- name: probe!
-- A row of the size of some audit entries: a database that is full does not take it.
INSERT INTO alert_probe (filler) VALUES (:filler);

-- name: end_probe!
-- It served.
DELETE FROM alert_probe;

-- name: all_alerts
-- Everything that was ever found.
SELECT code, subject, severity, count, raised_at, told_at, cleared_at, silenced_until
FROM alert
ORDER BY code, subject;

-- name: put_alert!
-- An alert as it stands now.
INSERT INTO alert (code, subject, severity, count, raised_at, told_at, cleared_at, silenced_until)
VALUES (:code, :subject, :severity, :count, :raised_at, :told_at, :cleared_at, :silenced_until)
ON CONFLICT (code, subject) DO UPDATE SET
    severity = excluded.severity, count = excluded.count, raised_at = excluded.raised_at, told_at = excluded.told_at,
    cleared_at = excluded.cleared_at, silenced_until = excluded.silenced_until;

-- name: put_silence!
-- Until when an alert is silenced; the rest of it is the watcher's to write.
INSERT INTO alert (code, subject, severity, count, raised_at, told_at, cleared_at, silenced_until)
VALUES (:code, :subject, :severity, :count, :raised_at, :told_at, :cleared_at, :silenced_until)
ON CONFLICT (code, subject) DO UPDATE SET silenced_until = excluded.silenced_until;

-- name: all_notices
-- What is still to be sent.
SELECT id, way, news, code, subject, severity, count, raised_at, made_at, due_at, attempts, last_error
FROM alert_notice
ORDER BY due_at, id
LIMIT :limit;

-- name: put_notice!
-- A piece of news on its way out, or how it stands after a try.
INSERT INTO alert_notice
    (id, way, news, code, subject, severity, count, raised_at, made_at, due_at, attempts, last_error)
VALUES
    (:id, :way, :news, :code, :subject, :severity, :count, :raised_at, :made_at, :due_at, :attempts, :last_error)
ON CONFLICT (id) DO UPDATE SET
    due_at = excluded.due_at, attempts = excluded.attempts, last_error = excluded.last_error;

-- name: delete_notice!
-- It was sent, or is given up.
DELETE FROM alert_notice WHERE id = :id;

-- name: reviews
-- Reviews of the log, newest first.
SELECT e.id, e.type, e.at, e.leaf_hash, e.parties, e.message, e.body, l.idx
FROM entry AS e
LEFT JOIN leaf AS l ON l.entry = e.number
WHERE e.type = 'review' AND e.id < :before
ORDER BY e.id DESC
LIMIT :limit;

-- name: types_between
-- How many entries of each type, by the time in their ids.
SELECT type, count(*) FROM entry WHERE id >= :since AND id < :until GROUP BY type ORDER BY type;

-- name: log_span^
-- When the first and the newest entry were made.
SELECT
    (SELECT at FROM entry WHERE number = (SELECT min(number) FROM entry)),
    (SELECT at FROM entry WHERE number = (SELECT max(number) FROM entry));

-- name: waiting_since$
-- When the oldest entry was made that waits for the tree.
SELECT at FROM entry WHERE number = (SELECT min(entry) FROM pending_entry);
