-- Messages that an agent edits or takes back after they were shown. A change is an event of its own,
-- in the same order, so that a page that was away learns of it.
ALTER TABLE web_messages ADD COLUMN changes INTEGER;                      -- the message that this row edits or takes back
ALTER TABLE web_messages ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
