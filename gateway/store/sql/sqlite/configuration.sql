-- name: next_version!
-- One more, with each change.
UPDATE configuration SET version = version + 1;
