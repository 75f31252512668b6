-- Where a case stands and since when the customer waits; what agents have done; what was not understood.

ALTER TABLE cases ADD COLUMN place TEXT NOT NULL DEFAULT '';      -- where at the desk, by the rule that chose it
ALTER TABLE cases ADD COLUMN asked_at TEXT;                       -- when the customer wrote what opened it
ALTER TABLE cases ADD COLUMN contact TEXT;                        -- an e-mail address that the customer left
ALTER TABLE calls ADD COLUMN case_id INTEGER;                     -- of an agent's order action
ALTER TABLE calls ADD COLUMN tell INTEGER NOT NULL DEFAULT 0;     -- its result is said to the customer
ALTER TABLE turns ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;   -- it was not understood
