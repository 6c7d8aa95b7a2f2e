-- name: given_heads
-- Who was handed which, newest first.
SELECT agency, size, way, at FROM given_head
WHERE :agency::text IS NULL OR agency = :agency::text
ORDER BY at DESC, agency, size DESC
LIMIT :limit;
