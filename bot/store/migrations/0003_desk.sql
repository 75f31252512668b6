-- What agents do with lines and cases, and who the agents are.

ALTER TABLE outbox ADD COLUMN command TEXT;                            -- of an agent's line: the id of the command that made it
ALTER TABLE outbox ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;       -- its text was changed after it was accepted
CREATE INDEX outbox_command ON outbox (command) WHERE command IS NOT NULL;
CREATE INDEX outbox_part ON outbox (part) WHERE author = 'agent';
CREATE INDEX outbox_replaces ON outbox (replaces) WHERE replaces IS NOT NULL;

ALTER TABLE cases ADD COLUMN agent_seen_at TEXT;                       -- the last accepted command of who has it
ALTER TABLE cases ADD COLUMN snoozed_until TEXT;
ALTER TABLE conversations ADD COLUMN language_set INTEGER NOT NULL DEFAULT 0;  -- by an agent: detection waits for the next pause

CREATE TABLE agents (
  id TEXT PRIMARY KEY,  -- unique at its desk
  name TEXT NOT NULL    -- for people
);
