-- How cards, lines and digests find their rows, so that a busy year does not slow down the next message.

CREATE INDEX cases_conversation ON cases (conversation, opened_at);
CREATE INDEX cases_opened ON cases (opened_at);
CREATE INDEX cases_closed ON cases (closed_at);
CREATE INDEX commands_case ON commands (case_id);
CREATE INDEX proposals_conversation ON proposals (conversation, created_at);
CREATE INDEX turns_created ON turns (created_at);
CREATE INDEX inbox_received ON inbox (received_at);
