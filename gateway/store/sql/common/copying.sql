-- name: copied_entries^
-- Of the state that is copied: entries not in the tree yet, and when the newest entry was written.
SELECT (SELECT count(*) FROM pending_entry), (SELECT at FROM entry ORDER BY number DESC LIMIT 1);

-- name: put_fact!
-- A fact, whatever it was before.
INSERT INTO fact (name, value)
VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
