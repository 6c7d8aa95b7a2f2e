-- name: message^
-- One message with its sealed original and its receipt.
SELECT
    id, sender, sender_id, exchange, action, first, received_at, digest, earlier, as_of,
    bucket, key_index, nonce, ciphertext, receipt
FROM message
WHERE id = :id;

-- name: because^
-- What a person wrote of an emergency release.
SELECT bucket, key_index, nonce, ciphertext FROM because WHERE dissemination = :dissemination;
