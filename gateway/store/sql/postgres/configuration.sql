-- name: next_version$
-- One more, with each change.
UPDATE configuration SET version = version + 1 RETURNING version;

-- name: own_configuration
-- Nobody accepts under the old configuration while it changes; see share_configuration.
SELECT pg_advisory_xact_lock(:space, 0);

-- name: durability^
-- Whether a commit is on disk before it is answered.
SELECT current_setting('synchronous_commit') <> 'off' AND current_setting('fsync') = 'on';
