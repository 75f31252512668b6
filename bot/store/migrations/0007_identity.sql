-- The address that the channel vouched for with the latest message.
ALTER TABLE conversations ADD COLUMN email TEXT;
-- What a row only refers to, and gets as it is sent: the id of a one-time code.
ALTER TABLE outbox ADD COLUMN secret TEXT;
-- Quoted text of a mail: shown folded, never asked.
ALTER TABLE inbox ADD COLUMN folded TEXT NOT NULL DEFAULT '';

CREATE TABLE audit (  -- every check of who somebody is, and every look at or change of their data
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,     -- pair, channel, code, code_sent, link, unlink, reveal, export, erase ...
  ok INTEGER NOT NULL,
  reason TEXT NOT NULL DEFAULT '',  -- a code: wrong, expired, limited_order ...
  subject TEXT NOT NULL DEFAULT '', -- an order's number, a customer's
  conversation INTEGER,
  actor TEXT NOT NULL DEFAULT 'customer'
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_conversation ON audit (conversation, at);
CREATE INDEX audit_subject ON audit (subject, at);

CREATE TABLE alarms (  -- what operators must hear at once
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  facts TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX alarms_kind ON alarms (kind, at);
