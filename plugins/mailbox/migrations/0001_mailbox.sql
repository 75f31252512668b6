-- The mails that the demo's page shows: with the codes that are in them, and the newest ones only.
CREATE TABLE mailbox_mails (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  out_id TEXT NOT NULL UNIQUE,  -- the outbox row that it left as
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  at TEXT NOT NULL
);
