CREATE TABLE slack_alarms (          -- which alarms the operators' channel has
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last INTEGER NOT NULL              -- the number of the last one
);
