-- name: take_watch!
-- Become, or stay, the one who watches: nobody else's watch runs.
UPDATE alert_watch SET holder = :holder, until = :until
WHERE one = 1 AND (holder = :holder OR until <= :now);

-- name: watches^
-- Whether this one watches.
SELECT 1 FROM alert_watch WHERE one = 1 AND holder = :holder;
