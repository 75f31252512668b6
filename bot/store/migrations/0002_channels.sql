-- What vendors' channels need: numbers they vouch for, quotes, numbered choices, and what templates are filled with.

ALTER TABLE conversations ADD COLUMN phone TEXT;                       -- +49...: the channel vouches for it
ALTER TABLE inbox ADD COLUMN quotes TEXT;                              -- wire id or vendor's id of what it answers
ALTER TABLE outbox ADD COLUMN response TEXT;                           -- what the text was rendered from
ALTER TABLE outbox ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE outbox ADD COLUMN numbered INTEGER NOT NULL DEFAULT 0;     -- the buttons stand as numbers in the text
