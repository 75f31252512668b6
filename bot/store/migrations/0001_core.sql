-- Times are UTC in ISO 8601 with a fixed width, so that they compare as text. JSON columns hold text.

CREATE TABLE conversations (
  id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  address TEXT NOT NULL,
  name TEXT,
  language TEXT NOT NULL,
  owner TEXT NOT NULL DEFAULT 'bot',
  owner_version INTEGER NOT NULL DEFAULT 0,
  agent_version INTEGER NOT NULL DEFAULT -1,  -- the last owner_version under which an agent owned
  session INTEGER NOT NULL DEFAULT 1,         -- of the dialogue; a new one starts with a clean tracker
  resumed INTEGER NOT NULL DEFAULT 0,         -- handed back: the next turn brings the history along
  state TEXT,                                 -- the dialogue's, after the last finished turn
  misses INTEGER NOT NULL DEFAULT 0,
  ready_at TEXT,                              -- when its next turn is due; NULL: nothing waits
  lease_until TEXT,
  fence INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  last_in_at TEXT NOT NULL,
  UNIQUE (channel, address)
);
CREATE INDEX conversations_ready ON conversations (ready_at) WHERE ready_at IS NOT NULL;

CREATE TABLE inbox (
  id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  wire_id TEXT NOT NULL,
  conversation INTEGER NOT NULL REFERENCES conversations (id),
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  payload TEXT,
  attachments TEXT NOT NULL DEFAULT '[]',
  edits TEXT,
  received_at TEXT NOT NULL,
  status TEXT NOT NULL,  -- pending, turn (part of a turn), case (an agent reads it), merged (an edit taken in)
  turn TEXT,
  UNIQUE (channel, wire_id)
);
CREATE INDEX inbox_conversation ON inbox (conversation, id);
CREATE INDEX inbox_pending ON inbox (conversation, id) WHERE status = 'pending';

CREATE TABLE turns (
  key TEXT PRIMARY KEY,
  conversation INTEGER NOT NULL REFERENCES conversations (id),
  session INTEGER NOT NULL,
  owner_version INTEGER NOT NULL,
  text TEXT NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT,
  attachments TEXT NOT NULL DEFAULT '[]',
  language TEXT NOT NULL,
  state TEXT,
  history TEXT NOT NULL DEFAULT '[]',
  resumed INTEGER NOT NULL DEFAULT 0,
  status TEXT NOT NULL,  -- frozen, done, handed (a person has it), dead
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at TEXT,
  failing_since TEXT,
  delayed INTEGER NOT NULL DEFAULT 0,  -- the customer was told that it takes longer
  intent TEXT,
  confidence REAL,
  entities TEXT NOT NULL DEFAULT '[]',
  outcome TEXT,
  error TEXT,
  created_at TEXT NOT NULL,
  done_at TEXT
);
CREATE INDEX turns_conversation ON turns (conversation, created_at);
CREATE UNIQUE INDEX turns_frozen ON turns (conversation) WHERE status = 'frozen';
CREATE INDEX turns_dead ON turns (created_at) WHERE status = 'dead';

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,          -- the dedupe key of a send
  target TEXT NOT NULL,             -- channel:<name> or desk:<name>
  stream TEXT NOT NULL,             -- rows of one stream go out in order
  op TEXT NOT NULL,                 -- send; at a desk show, post, mark
  conversation INTEGER NOT NULL REFERENCES conversations (id),
  case_id INTEGER,
  author TEXT NOT NULL,
  name TEXT,                        -- of the agent
  text TEXT NOT NULL DEFAULT '',
  buttons TEXT NOT NULL DEFAULT '[]',
  attachments TEXT NOT NULL DEFAULT '[]',
  subject TEXT,                     -- at a desk: the line that is posted or marked
  language TEXT NOT NULL DEFAULT 'de',
  turn TEXT,
  part TEXT,                        -- rows of one message; a Reject ends them all
  effect INTEGER NOT NULL DEFAULT 0,
  owner_version INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL,
  reason TEXT,
  vendor_id TEXT,
  replaces TEXT,                    -- the row that this retry by hand stands for
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before TEXT NOT NULL,
  created_at TEXT NOT NULL,
  sent_at TEXT
);
CREATE INDEX outbox_open ON outbox (stream, seq) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_due ON outbox (not_before) WHERE state = 'queued';
CREATE INDEX outbox_conversation ON outbox (conversation, seq);
CREATE INDEX outbox_vendor ON outbox (target, vendor_id) WHERE vendor_id IS NOT NULL;
CREATE INDEX outbox_failed ON outbox (created_at) WHERE state IN ('failed', 'unknown');
CREATE INDEX outbox_turn ON outbox (turn) WHERE turn IS NOT NULL;

CREATE TABLE receipts (  -- reports that came before the vendor's id was noted
  channel TEXT NOT NULL,
  vendor_id TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  at TEXT NOT NULL,
  PRIMARY KEY (channel, vendor_id, state)
);

CREATE TABLE cases (
  id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL REFERENCES conversations (id),
  desk TEXT NOT NULL,
  reason TEXT NOT NULL,
  priority TEXT NOT NULL,
  state TEXT NOT NULL,  -- open, taken, closed
  agent TEXT,
  opened_at TEXT NOT NULL,
  taken_at TEXT,
  closed_at TEXT,
  outcome TEXT,
  updated INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX cases_open ON cases (conversation) WHERE state <> 'closed';
CREATE INDEX cases_state ON cases (state, opened_at);

CREATE TABLE commands (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  case_id INTEGER NOT NULL,
  agent TEXT NOT NULL,
  result TEXT NOT NULL,
  at TEXT NOT NULL
);

CREATE TABLE notes (
  id TEXT PRIMARY KEY,
  case_id INTEGER NOT NULL REFERENCES cases (id),
  conversation INTEGER NOT NULL,
  agent TEXT NOT NULL,
  text TEXT NOT NULL,
  attachments TEXT NOT NULL DEFAULT '[]',
  at TEXT NOT NULL
);
CREATE INDEX notes_conversation ON notes (conversation, at);

CREATE TABLE proposals (
  id TEXT PRIMARY KEY,  -- the idempotency key for the shop
  conversation INTEGER NOT NULL REFERENCES conversations (id),
  turn TEXT NOT NULL,
  action TEXT NOT NULL,
  arguments TEXT NOT NULL,
  subject TEXT NOT NULL,
  version TEXT NOT NULL,
  state TEXT NOT NULL,  -- open, consumed, lapsed, dropped
  expires_at TEXT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX proposals_open ON proposals (conversation) WHERE state = 'open';

CREATE TABLE calls (
  turn TEXT NOT NULL,
  action TEXT NOT NULL,
  number INTEGER NOT NULL,
  conversation INTEGER NOT NULL,
  name TEXT NOT NULL,     -- the plugin's action that ran or was proposed
  subject TEXT NOT NULL DEFAULT '',
  key TEXT NOT NULL,
  actor TEXT NOT NULL,
  status TEXT NOT NULL,   -- started, done, unknown
  effect INTEGER NOT NULL DEFAULT 0,
  outcome TEXT,
  result TEXT,
  started_at TEXT NOT NULL,
  done_at TEXT,
  PRIMARY KEY (turn, action, number)
);
CREATE INDEX calls_conversation ON calls (conversation, started_at);

CREATE TABLE proofs (
  conversation INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (conversation, kind, subject)
);

CREATE TABLE attempts (  -- wrong pairs
  id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  subject TEXT NOT NULL,
  at TEXT NOT NULL
);
CREATE INDEX attempts_conversation ON attempts (conversation, at);

CREATE TABLE timers (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  due TEXT NOT NULL,
  payload TEXT NOT NULL DEFAULT '{}',
  UNIQUE (kind, subject)
);
CREATE INDEX timers_due ON timers (due);

CREATE TABLE files (
  file TEXT NOT NULL,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT,
  PRIMARY KEY (file, owner)
);
CREATE INDEX files_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;
