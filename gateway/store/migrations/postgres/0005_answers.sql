-- What questions of auditors are answered from: deadlines, and ways into the log by what entries say.
--
-- Each index but `entry_by_mou` holds only what is rare, so that an accepted message writes one row of an index more,
-- and a delivery none. Bodies are ASCII without backslashes: "escape" gives them as they are, and never changes.

ALTER TABLE delivery ADD COLUMN IF NOT EXISTS deadline bigint;

DROP VIEW IF EXISTS dissemination_record;
CREATE VIEW dissemination_record AS
SELECT
    v.id AS delivery, d.id AS dissemination, m.id AS message, v.first, v.recipient, v.state, v.urgent, v.created_at,
    v.due_at, v.expires_at, v.attempts, v.delivered_at, v.last_error, v.evidence, v.deadline,
    d.id AS dissemination_again, m.id AS message_again, d.recipient AS recipient_again, d.mou, d.mou_version,
    d.mou_digest, d.clauses, d.purpose, d.shared, d.payload_digest, d.redactions,
    d.bucket, d.key_index, d.nonce, d.ciphertext,
    d.cover, m.sender, m.exchange, v.position,
    v.fence
FROM delivery AS v
JOIN dissemination AS d ON d.id = v.dissemination
JOIN message AS m ON m.id = d.message;

-- Whatever is not written with each message, each try, or each reading by a recipient.
CREATE INDEX IF NOT EXISTS entry_of_type ON entry (type, at, number)
WHERE type NOT IN ('receive', 'repeat', 'disseminate', 'deliver', 'evidence', 'fail', 'read');
-- Readings by people.
CREATE INDEX IF NOT EXISTS entry_of_reader ON entry (at, number)
WHERE type = 'read' AND position('"actor":'::bytea IN body) > 0;
-- What went under a version of an agreement.
CREATE INDEX IF NOT EXISTS entry_by_mou ON entry (substring(encode(body, 'escape') FROM '"mou":"([^"]+)"'), at, number)
WHERE type = 'disseminate';
-- Disclosures that are accounted for.
CREATE INDEX IF NOT EXISTS entry_of_special ON entry (at, number)
WHERE type = 'disseminate' AND position('"counts":'::bytea IN body) > 0;
-- What did not arrive by its deadline.
CREATE INDEX IF NOT EXISTS entry_late ON entry (at, number)
WHERE
    type IN ('deliver', 'undeliverable', 'expire', 'recall', 'discard')
    AND position('"deadline":'::bytea IN body) > 0;
