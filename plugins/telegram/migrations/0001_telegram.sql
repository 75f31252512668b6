CREATE TABLE telegram_poller (       -- where polling goes on, and which process may do it
  bot INTEGER PRIMARY KEY,           -- Telegram's id of the bot
  next INTEGER,                      -- the update to ask for next
  at TEXT,                           -- when the last update came
  holder TEXT NOT NULL,              -- of the lease: a process
  until TEXT NOT NULL                -- the lease's end
);

CREATE TABLE telegram_buttons (      -- what the buttons under a message of ours mean
  key TEXT PRIMARY KEY,              -- of the message; a button carries it and its place
  address TEXT NOT NULL,             -- the chat
  buttons TEXT NOT NULL              -- [[title, payload], ...] in their order
);
