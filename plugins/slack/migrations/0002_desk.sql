CREATE TABLE slack_posts (           -- what the desk posted, or was about to, once for each key
  key TEXT PRIMARY KEY,              -- case:42, line:out:..., trouble:..., digest:2026-11-26 ...
  channel TEXT NOT NULL,
  thread TEXT NOT NULL DEFAULT '',   -- the ts of the thread's root, or ''
  ts TEXT,                           -- NULL: it was about to be posted, and is looked for
  shown TEXT,                        -- a digest of what it shows
  at TEXT NOT NULL                   -- of the first attempt
);
CREATE INDEX slack_posts_place ON slack_posts (channel, ts);

CREATE TABLE slack_cases (           -- cases with a card
  case_id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  ts TEXT NOT NULL,                  -- of the card: the thread's root
  open INTEGER NOT NULL,             -- 0 as soon as it is closed
  refresh_at TEXT                    -- when the card looks different by itself
);
CREATE INDEX slack_cases_place ON slack_cases (channel, ts);

CREATE TABLE slack_lines (           -- lines of a case, and the messages that they are
  line TEXT PRIMARY KEY,             -- out:..., in:..., note:...
  case_id INTEGER NOT NULL,
  channel TEXT NOT NULL,
  ts TEXT NOT NULL,                  -- '' where it is one of many in a message
  author TEXT NOT NULL,
  state TEXT,
  reason TEXT
);
CREATE INDEX slack_lines_place ON slack_lines (channel, ts);

CREATE TABLE slack_marks (           -- the desk's reaction on a message: the wanted and the shown
  channel TEXT NOT NULL,
  ts TEXT NOT NULL,
  want TEXT NOT NULL,                -- an emoji's name, or ''
  shown TEXT NOT NULL DEFAULT '',    -- names with a comma between
  PRIMARY KEY (channel, ts)
);
CREATE INDEX slack_marks_open ON slack_marks (ts) WHERE want <> shown;
