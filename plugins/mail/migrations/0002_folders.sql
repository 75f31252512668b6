CREATE TABLE mail_folders (  -- from where on a folder's mails are imported
  mailbox TEXT NOT NULL,
  folder TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  first_uid INTEGER NOT NULL,        -- the lowest that may be imported
  later_than TEXT,                   -- for lower ones: only mails that came after this
  PRIMARY KEY (mailbox, folder)
);
-- Whether the mail was marked or moved in its folder after the commit.
ALTER TABLE mail_imports ADD COLUMN filed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX mail_imports_unfiled ON mail_imports (mailbox, folder) WHERE filed = 0;
CREATE INDEX mail_imports_file ON mail_imports (file) WHERE file IS NOT NULL;

CREATE TABLE mail_tokens (  -- a refresh token that the provider gave in place of the last one
  mailbox TEXT PRIMARY KEY,
  seed TEXT NOT NULL,                -- sha256 of the one in the environment that it comes from
  refresh_token TEXT NOT NULL,
  at TEXT NOT NULL
);
