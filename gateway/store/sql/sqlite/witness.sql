-- name: given_heads
-- Who was handed which, newest first.
SELECT agency, size, way, at FROM given_head
WHERE :agency IS NULL OR agency = :agency
ORDER BY at DESC, agency, size DESC
LIMIT :limit;
