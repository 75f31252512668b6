CREATE TABLE slack_events (          -- what Slack told, once each, until it is handled and forgotten
  key TEXT PRIMARY KEY,              -- natural: the same for Slack's retry and for the history
  stream TEXT NOT NULL,              -- handled one after the other, in the order of at and rank
  at TEXT NOT NULL,                  -- when it happened, as Slack writes time
  rank INTEGER NOT NULL,             -- of what happened to one message at the same time
  channel TEXT NOT NULL,
  thread TEXT NOT NULL,              -- the root of the thread that the message is in, or ''
  ts TEXT NOT NULL,                  -- of the message that it is about
  kind TEXT NOT NULL,
  body TEXT NOT NULL,                -- the event as JSON; '' as soon as it is handled
  status TEXT NOT NULL,              -- open, done, failed
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at REAL NOT NULL,             -- seconds since 1970: not handled before
  taken_at REAL NOT NULL             -- seconds since 1970
);

CREATE INDEX slack_events_open ON slack_events (stream, at, rank) WHERE status = 'open';
CREATE INDEX slack_events_place ON slack_events (channel, thread, ts);
CREATE INDEX slack_events_age ON slack_events (taken_at);

CREATE TABLE slack_interactions (    -- what people did with buttons and modals
  id TEXT PRIMARY KEY,
  body TEXT NOT NULL,                -- the interaction as JSON; '' as soon as it is handled
  status TEXT NOT NULL,              -- open, done, failed
  taken_at REAL NOT NULL
);

CREATE INDEX slack_interactions_age ON slack_interactions (taken_at);

CREATE TABLE slack_seen (            -- how far each channel and thread was heard
  channel TEXT NOT NULL,             -- '' with thread '': when the app was last connected
  thread TEXT NOT NULL,              -- '' for the channel itself
  ts TEXT NOT NULL,                  -- of the latest message that was taken
  PRIMARY KEY (channel, thread)
);

CREATE TABLE slack_sent (            -- what was sent to customers, for buttons and look-ups
  row TEXT PRIMARY KEY,              -- of the outbox
  address TEXT NOT NULL,
  buttons TEXT NOT NULL,             -- [[title, payload], ...] in their order
  file TEXT,                         -- Slack's id of the uploaded file, if it was one
  ts TEXT,                           -- of the message at Slack, where it is known
  at REAL NOT NULL                   -- seconds since 1970, of the last attempt
);

CREATE TABLE slack_conversations (   -- with customers: what the bot answers in, and reads again
  channel TEXT NOT NULL,
  thread TEXT NOT NULL,              -- '' for direct messages outside of threads
  at REAL NOT NULL,                  -- seconds since 1970, of the latest message
  PRIMARY KEY (channel, thread)
);

CREATE TABLE slack_people (          -- who writes, so that not every message asks for the name
  user TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  at REAL NOT NULL                   -- seconds since 1970, when it was asked
);
