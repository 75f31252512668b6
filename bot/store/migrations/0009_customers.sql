-- One customer over several channels: whose conversation it is, on what evidence, and who said so.

CREATE TABLE customers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: the audit log names it
  created_at TEXT NOT NULL
);
INSERT INTO customers (id, created_at) SELECT id, created_at FROM conversations;
ALTER TABLE conversations ADD COLUMN customer INTEGER REFERENCES customers (id);
UPDATE conversations SET customer = id;
CREATE INDEX conversations_customer ON conversations (customer);

CREATE TABLE contacts (  -- contact points that were proven to be of who writes in a conversation
  kind TEXT NOT NULL,    -- email, phone
  value TEXT NOT NULL,   -- normalised: lower case; +49...
  conversation INTEGER NOT NULL REFERENCES conversations (id),
  proof TEXT NOT NULL,   -- channel, code
  at TEXT NOT NULL,
  PRIMARY KEY (kind, value, conversation)
);
CREATE INDEX contacts_conversation ON contacts (conversation);

CREATE TABLE links (     -- what is known of two conversations: the latest word on it
  one INTEGER NOT NULL REFERENCES conversations (id),    -- the smaller number
  other INTEGER NOT NULL REFERENCES conversations (id),
  reason TEXT NOT NULL,  -- channel, code, order, sender, thread, agent
  state TEXT NOT NULL,   -- open (an agent decides), linked, apart (nothing links them silently)
  actor TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (one, other)
);
CREATE INDEX links_other ON links (other);
