-- What agents send as an approved template.

ALTER TABLE outbox ADD COLUMN template TEXT;                      -- its name, as the channel knows it; facts are its variables
