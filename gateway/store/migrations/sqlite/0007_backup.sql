-- The newest backup is found without reading the log.

CREATE INDEX IF NOT EXISTS entry_of_backup ON entry (number) WHERE type = 'backup';
