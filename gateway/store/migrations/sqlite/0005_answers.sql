-- What questions of auditors are answered from: deadlines, and ways into the log by what entries say.
--
-- Entries have ids that sort by time, so a period is a range of ids. Each index but `entry_by_mou` holds only what is
-- rare, so that an accepted message writes one row of an index more, and a delivery none.

CREATE TABLE IF NOT EXISTS deadline (
    number INTEGER PRIMARY KEY REFERENCES delivery (number) ON DELETE CASCADE,
    at INTEGER NOT NULL
);

DROP VIEW IF EXISTS dissemination_record;
CREATE VIEW dissemination_record AS
SELECT
    v.id AS delivery, d.id AS dissemination, m.id AS message, v.first, v.recipient, v.state, v.urgent, v.created_at,
    v.due_at, v.expires_at, v.attempts, v.delivered_at, v.last_error, v.evidence, t.at AS deadline,
    d.id AS dissemination_again, m.id AS message_again, d.recipient AS recipient_again, d.mou, d.mou_version,
    d.mou_digest, d.clauses, d.purpose, d.shared, d.payload_digest, d.redactions,
    d.bucket, d.key_index, d.nonce, d.ciphertext,
    d.cover, m.sender, m.exchange, v.position,
    v.number, v.fence, d.message AS message_number
FROM delivery AS v
JOIN dissemination AS d ON d.number = v.number
JOIN message AS m ON m.number = d.message
LEFT JOIN deadline AS t ON t.number = v.number;

-- Whatever is not written with each message, each try, or each reading by a recipient.
CREATE INDEX IF NOT EXISTS entry_of_type ON entry (type, at)
    WHERE type NOT IN ('receive', 'repeat', 'disseminate', 'deliver', 'evidence', 'fail', 'read');
-- Readings by people.
CREATE INDEX IF NOT EXISTS entry_of_reader ON entry (at)
    WHERE type = 'read' AND instr(CAST(body AS TEXT), '"actor":') > 0;
-- What went under a version of an agreement.
CREATE INDEX IF NOT EXISTS entry_by_mou ON entry (json_extract(CAST(body AS TEXT), '$.mou'), at)
    WHERE type = 'disseminate';
-- Disclosures that are accounted for.
CREATE INDEX IF NOT EXISTS entry_of_special ON entry (at)
    WHERE type = 'disseminate' AND instr(CAST(body AS TEXT), '"counts":') > 0;
-- What did not arrive by its deadline.
CREATE INDEX IF NOT EXISTS entry_late ON entry (at)
    WHERE
        type IN ('deliver', 'undeliverable', 'expire', 'recall', 'discard')
        AND instr(CAST(body AS TEXT), '"deadline":') > 0;
