CREATE TABLE whatsapp_sent (
  row TEXT PRIMARY KEY,               -- of the outbox
  address TEXT NOT NULL,
  sid TEXT UNIQUE,                    -- Twilio's; NULL until it is known
  payloads TEXT NOT NULL DEFAULT '[]', -- of the buttons, in their order
  at TEXT NOT NULL                    -- of the last attempt
);
CREATE INDEX whatsapp_sent_address ON whatsapp_sent (address, at);

CREATE TABLE whatsapp_contents (      -- made once at Twilio for each shape of question
  shape TEXT PRIMARY KEY,
  sid TEXT NOT NULL
);
