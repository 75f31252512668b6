CREATE TABLE mail_threads (
  key TEXT PRIMARY KEY,              -- the conversation's address on the channel
  mailbox TEXT NOT NULL,             -- which of ours it is with, by its name in the settings
  participant TEXT NOT NULL,         -- who writes and is answered, normalised
  name TEXT NOT NULL DEFAULT '',
  subject TEXT NOT NULL DEFAULT '',
  verified INTEGER NOT NULL DEFAULT 0,  -- a mail of the participant's has passed DMARC in it
  proposed TEXT,                     -- the thread it may belong to; only an agent decides
  created_at TEXT NOT NULL
);
CREATE INDEX mail_threads_participant ON mail_threads (participant);

CREATE TABLE mail_messages (  -- what a mail can answer, by Message-ID without its brackets
  message_id TEXT NOT NULL,
  thread TEXT NOT NULL REFERENCES mail_threads (key),
  direction TEXT NOT NULL,           -- in, out
  row TEXT,                          -- of the outbox, for what went out
  at TEXT NOT NULL,
  PRIMARY KEY (message_id, thread)
);
CREATE INDEX mail_messages_thread ON mail_messages (thread, at);
CREATE INDEX mail_messages_row ON mail_messages (row) WHERE row IS NOT NULL;

CREATE TABLE mail_imports (  -- one row for each mail that lay in a mailbox
  mailbox TEXT NOT NULL,
  folder TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  message_id TEXT NOT NULL DEFAULT '',
  hash TEXT NOT NULL,                -- sha256 of the content
  outcome TEXT NOT NULL,             -- message, automatic, bounce, own, duplicate, ...
  thread TEXT,
  file TEXT,                         -- of the original, in Files
  at TEXT NOT NULL,
  PRIMARY KEY (mailbox, folder, uidvalidity, uid)
);
CREATE INDEX mail_imports_hash ON mail_imports (hash);
CREATE INDEX mail_imports_message ON mail_imports (message_id) WHERE message_id <> '';
