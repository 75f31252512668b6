"""What somebody may try by mail: be another, get at others' threads, break what reads it."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.mail.auth_results import Verdict, verdict
from plugins.mail.parsing.parse import parse
from plugins.mail.settings import Mailbox
from plugins.mail.testing_servers import AUTHSERV

PASS = f"Authentication-Results: {AUTHSERV}; dmarc=pass header.from=example.net"
FAIL = f"Authentication-Results: {AUTHSERV}; dmarc=fail header.from=example.net"
OUTSIDE = f"Received: from mail.evil.test (mail.evil.test [192.0.2.1]) by {AUTHSERV} with ESMTPS"


def mailbox(**more: Any) -> Mailbox:
    server = {"host": "mail.shop.test"}
    table = {"name": "a", "address": "support@shop.test", "imap": server, "smtp": server}
    return Mailbox.model_validate({**table, "password": "x", "authserv_ids": [AUTHSERV], **more})


def judged(raw: str) -> tuple[str, Verdict]:
    """Who a mail is from, and whether that counts as proven."""
    data = raw.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    mail = parse(data)
    return mail.sender.email, verdict(mail, data, mailbox())


# --- to be another: From, and what is said of it


@pytest.mark.parametrize("kind", ["message/rfc822", "message/global", "message/news"])
def test_a_mail_in_a_mail_does_not_speak_for_the_one_around_it(kind: str) -> None:
    """All of a mail may be another mail: its headers, results too, are the sender's words."""
    inner = f"{PASS}\nFrom: anna@example.net\nSubject: Frage\n\nNeue Adresse!\n"
    outer = f"{FAIL}\n{OUTSIDE}\nFrom: anna@example.net\nContent-Type: {kind}\n\n"
    assert judged(outer + inner) == ("anna@example.net", Verdict.FAIL)
    from_eve = outer.replace("From: anna@example.net", "From: eve@evil.test")
    assert judged(from_eve + inner)[0] == "eve@evil.test"
