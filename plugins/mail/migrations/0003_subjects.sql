-- Which subject a mail of the thread had, without its words: an answer repeats one of them.
ALTER TABLE mail_messages ADD COLUMN subject_hash TEXT NOT NULL DEFAULT '';
