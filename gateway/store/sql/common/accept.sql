-- name: insert_refused!
-- A refused submission, for seven days.
INSERT INTO refused (id, sender, at, code, bucket, key_index, nonce, ciphertext)
VALUES (:id, :sender, :at, :code, :bucket, :key_index, :nonce, :ciphertext);

-- name: insert_because!
-- What a person wrote of an emergency release.
INSERT INTO because (dissemination, bucket, key_index, nonce, ciphertext)
VALUES (:dissemination, :bucket, :key_index, :nonce, :ciphertext);
