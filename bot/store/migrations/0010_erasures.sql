-- What was asked to be erased, and what of it has still to be done outside of this database.

CREATE TABLE erasures (
  id TEXT PRIMARY KEY,            -- the pseudonym that stands in the audit log from then on
  conversations TEXT NOT NULL,    -- JSON: their numbers, which nobody gets again
  reason TEXT NOT NULL,           -- customer, operator, age
  state TEXT NOT NULL,            -- asked, emptied (nothing is left in this database), done
  force_at TEXT NOT NULL,         -- until then it waits for an open turn or a message on its way
  counts TEXT NOT NULL DEFAULT '{}',   -- JSON: rows by table
  asked_at TEXT NOT NULL,
  emptied_at TEXT,
  done_at TEXT
);
CREATE INDEX erasures_open ON erasures (asked_at) WHERE state <> 'done';

CREATE TABLE erasure_steps (
  erasure TEXT NOT NULL REFERENCES erasures (id),
  keeper TEXT NOT NULL,           -- the part that does it: files, rasa, slack ...
  plan TEXT NOT NULL,             -- JSON: what it needs to know; '' as soon as it is over
  state TEXT NOT NULL,            -- open, done, given_up
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at TEXT NOT NULL,
  remains TEXT NOT NULL DEFAULT '[]',  -- JSON: what could not be erased, and why
  PRIMARY KEY (erasure, keeper)
);
CREATE INDEX erasure_steps_open ON erasure_steps (next_at) WHERE state = 'open';
