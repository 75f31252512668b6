-- What the chat page shows, in the order in which it was committed: the id is the event id.
CREATE TABLE web_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
  out_id TEXT UNIQUE,
  client_id TEXT,
  author TEXT NOT NULL,
  payload TEXT NOT NULL,
  at TEXT NOT NULL,
  UNIQUE (session, client_id)
);
CREATE INDEX web_messages_by_session ON web_messages (session, id);

-- Which files a session may read: those it sent and those it was sent.
CREATE TABLE web_files (
  session TEXT NOT NULL,
  file TEXT NOT NULL,
  name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  uploaded INTEGER NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (session, file)
);
