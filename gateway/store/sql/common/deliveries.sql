-- name: delivery^
-- One delivery with what it carries.
SELECT * FROM dissemination_record WHERE delivery = :id;
