-- What limits count: wrong pairs, and codes that were asked for.
ALTER TABLE attempts ADD COLUMN kind TEXT NOT NULL DEFAULT 'pair';  -- pair, start
ALTER TABLE attempts ADD COLUMN identity TEXT NOT NULL DEFAULT '';  -- a keyed hash of who asked
CREATE INDEX attempts_identity ON attempts (identity, at);
CREATE INDEX attempts_subject ON attempts (subject, at);
CREATE INDEX attempts_at ON attempts (at);

CREATE TABLE codes (  -- one-time codes: never the code, only what it is made and checked with
  id TEXT PRIMARY KEY,        -- random; with the installation's key it gives the six digits
  conversation INTEGER NOT NULL,
  subject TEXT NOT NULL,      -- an order's number
  action TEXT NOT NULL,       -- what it was asked for
  hash TEXT NOT NULL,         -- keyed; that of a decoy fits no six digits
  matched INTEGER NOT NULL,   -- the pair was right
  mailed INTEGER NOT NULL,    -- it goes to the address on the order; a decoy goes to nobody
  email TEXT,                 -- that address; emptied when the code is over
  language TEXT NOT NULL,
  turn TEXT NOT NULL,         -- that asked for it; asked again it is the same code
  state TEXT NOT NULL DEFAULT 'open',  -- open, used, over (too many tries), replaced
  tries INTEGER NOT NULL DEFAULT 0,    -- wrong ones
  tried_in TEXT NOT NULL DEFAULT '',   -- the last turn that tried: asked again it counts once
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  settled_at TEXT
);
CREATE INDEX codes_conversation ON codes (conversation, subject, created_at);
CREATE INDEX codes_subject ON codes (subject, created_at);
CREATE INDEX codes_created ON codes (created_at);

-- A proof by a verified mail counts for verified mails of that address: its keyed hash.
ALTER TABLE proofs ADD COLUMN contact TEXT NOT NULL DEFAULT '';
