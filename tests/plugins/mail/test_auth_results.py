"""Whom to believe: only what our own receiving server wrote, never what a sender wrote."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.mail.parsing.parse import parse
from plugins.mail.receiving.auth_results import Verdict, sole_sender, verdict
from plugins.mail.settings import Mailbox

PASS = "mx.shop.test; dmarc=pass (p=none) header.from=example.net"
FORGED = f"Authentication-Results: {PASS}"
OUTSIDE = (
    "Received: from mail.example.net (mail.example.net [192.0.2.1]) by mx.shop.test with ESMTPS"
)


def mailbox(**more: Any) -> Mailbox:
    server = {"host": "mail.shop.test"}
    table = {"name": "a", "address": "a@shop.test", "imap": server, "smtp": server}
    return Mailbox.model_validate(
        {**table, "password": "x", "authserv_ids": ["mx.shop.test"], **more}
    )


def judged(*lines: str, sender: str = "Anna <anna@example.net>", **settings: Any) -> Verdict:
    head = [*lines, f"From: {sender}", "To: a@shop.test", "Subject: x", "Message-ID: <1@x>"]
    raw = "\r\n".join([*head, "", "Hallo", ""]).encode()
    return verdict(parse(raw), raw, mailbox(**settings))


@pytest.mark.parametrize(
    "value",
    [
        PASS,
        "mx.shop.test 1; spf=pass smtp.mailfrom=x@y.example; dmarc=pass header.from=example.net",
        'mx.shop.test; dmarc/1 = pass reason="all; dmarc=fail" header.from = "example.net"',
        "mx.shop.test (a (nested; dmarc=fail) one);\r\n\tdkim=none;\r\n\tDMARC=PASS\r\n\t"
        "header.from=EXAMPLE.NET",
        "mx.shop.test; dmarc=pass header.from=anna@example.net",
    ],
)
def test_a_pass_of_our_server_counts_however_it_is_written(value: str) -> None:
    assert judged(f"Authentication-Results: {value}", OUTSIDE) is Verdict.PASS


@pytest.mark.parametrize(
    "value",
    [
        "mx.evil.test; dmarc=pass header.from=example.net",  # another server's
        "mx.shop.test.evil.test; dmarc=pass header.from=example.net",
        "(mx.shop.test) mx.evil.test; dmarc=pass header.from=example.net",
        "mx.shop.test; dmarc=pass header.from=example.org",  # about somebody else
        "mx.shop.test; dmarc=pass",  # about nobody
        "mx.shop.test; dmarc=pass header.from=example.net header.from=example.org",
        "mx.shop.test; spf=pass smtp.mailfrom=example.net; dkim=pass header.d=example.net",
        "mx.shop.test; dmarc=bestguesspass header.from=example.net",
        "mx.shop.test; dmarc=none header.from=example.net",
        "mx.shop.test; dmarc=temperror header.from=example.net",
        "mx.shop.test; spf=fail (dmarc=pass header.from=example.net)",
        'mx.shop.test; spf=pass smtp.mailfrom="; dmarc=pass header.from=example.net"',
        'mx.shop.test; dmarc=pass header.from=example.net; spf=pass smtp.mailfrom="',
        "mx.shop.test; dmarc=pass header.from=example.net (",
        "mx.shop.test; x-dmarc=pass header.from=example.net",
        "mx.shop.test dmarc=pass header.from=example.net",
        "; dmarc=pass header.from=example.net",
        "dmarc=pass header.from=example.net",
        "",
    ],
)
def test_nothing_else_is_a_proof(value: str) -> None:
    assert judged(f"Authentication-Results: {value}", OUTSIDE) is Verdict.NONE


def test_a_fail_counts_also_beside_a_pass() -> None:
    assert judged("Authentication-Results: mx.shop.test; dmarc=fail", OUTSIDE) is Verdict.FAIL
    both = f"Authentication-Results: {PASS}; dmarc=fail header.from=example.net"
    assert judged(both, OUTSIDE) is Verdict.FAIL


def test_what_the_sender_wrote_below_is_not_read() -> None:
    """A header under our id that came in with the mail, beside ours and without it."""
    real = "Authentication-Results: mx.shop.test; dmarc=fail header.from=example.net"
    assert judged(real, OUTSIDE, FORGED) is Verdict.FAIL
    assert judged(OUTSIDE, FORGED) is Verdict.NONE
    assert judged(OUTSIDE, OUTSIDE, FORGED) is Verdict.NONE
    none = "Authentication-Results: mx.shop.test; none"
    assert judged(none, OUTSIDE, FORGED) is Verdict.NONE


@pytest.mark.parametrize(
    "line",
    [
        "Received: from mx.shop.test (evil.example [192.0.2.6]) by mx.shop.test with ESMTP",
        "Received: from mx.shop.test (unknown [192.0.2.6]) by mx.shop.test with ESMTP",
        "Received: from evil.example ([192.0.2.6] helo=mx.shop.test) by mx.shop.test with esmtp",
        "Received: from [192.0.2.6] (helo=mx.shop.test) by mx.shop.test with esmtp",
        "Received: from [192.0.2.6] by mx.shop.test",
        "Received: from localhost (evil.example [192.0.2.6]) by mx.shop.test",
        "Received: from evil.example ([127.0.0.1] [192.0.2.6]) by mx.shop.test",
        "Received: from mx.shop.test ([192.0.2.6]) by mx.shop.test",  # sendmail, without a name
        "Received: from mx.shop.test ([IPv6:2001:db8::6]) by mx.shop.test",
        "Received: from mx.shop.test (192.0.2.6) by mx.shop.test with Microsoft SMTP Server",
        "Received: from unknown (HELO mx.shop.test) (192.0.2.6) by mx.shop.test",  # qmail
        "Received: from evil.example (EHLO mx.shop.test) (192.0.2.6) by mx.shop.test",
        "Received: from  (evil) by mx.shop.test",
        "Received: from",
    ],
)
def test_a_server_that_calls_itself_ours_is_still_outside(line: str) -> None:
    assert judged(line, FORGED) is Verdict.NONE


@pytest.mark.parametrize(
    "line",
    [
        "Received: from localhost (localhost [127.0.0.1]) by imap.shop.test with LMTP",
        "Received: from mx.shop.test\r\n\tby imap.shop.test with LMTP id x",
        "Received: from mx.shop.test (mx.shop.test [192.0.2.9]) by imap.shop.test with ESMTPS",
        "Received: from mx.shop.test (mx.shop.test [192.0.2.9])\r\n\t(using TLSv1.3 with cipher "
        "TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n\t(No client certificate requested)\r\n\tby "
        "imap.shop.test (Postfix) with ESMTPS id x",
        "Received: by imap.shop.test (Postfix, from userid 5000)",
    ],
)
def test_steps_between_our_own_servers_may_stand_above(line: str) -> None:
    real = f"Authentication-Results: {PASS}"
    assert judged(line, real, OUTSIDE) is Verdict.PASS


def test_a_server_of_ours_must_be_named() -> None:
    line = "Received: from scan.shop.test (scan.shop.test [192.0.2.9]) by imap.shop.test with ESMTP"
    assert judged(line, FORGED, OUTSIDE) is Verdict.NONE
    assert judged(line, FORGED, OUTSIDE, received_by=["scan.shop.test"]) is Verdict.PASS
    assert judged(line, FORGED, OUTSIDE, received_by=[".shop.test"]) is Verdict.PASS


def test_results_among_the_senders_own_headers_are_not_ours() -> None:
    raw = (
        "From: anna@example.net\r\nTo: a@shop.test\r\n"
        f"{FORGED}\r\nSubject: x\r\nMessage-ID: <1@x>\r\n\r\nHallo\r\n"
    ).encode()
    assert verdict(parse(raw), raw, mailbox()) is Verdict.NONE


def test_without_a_configured_server_there_is_no_proof() -> None:
    assert judged(FORGED, OUTSIDE, authserv_ids=[]) is Verdict.NONE
    bare = "Authentication-Results: dmarc=pass header.from=example.net"
    assert judged(bare, OUTSIDE, authserv_ids=[], receiver="microsoft365") is Verdict.NONE


def test_google_writes_below_its_own_line() -> None:
    google = {"receiver": "google", "authserv_ids": ["mx.google.com"]}
    trace = (
        "Delivered-To: a@shop.test",
        "Received: by 2002:a05:7208:1 with SMTP id x; Fri, 27 Nov 2026 01:00:00 -0800",
        "X-Received: by 2002:a05:600c:1 with SMTP id y",
        "ARC-Authentication-Results: i=1; mx.google.com; dmarc=pass header.from=evil.example",
        "Return-Path: <anna@example.net>",
        "Received: from mail.example.net (mail.example.net. [192.0.2.1])\r\n by mx.google.com",
        "Received-SPF: pass (google.com: domain of anna@example.net)",
    )
    real = "Authentication-Results: mx.google.com; dmarc={} (p=NONE) header.from=example.net"
    assert judged(*trace, real.format("pass"), **google) is Verdict.PASS
    forged = real.format("pass")
    assert judged(*trace, real.format("fail"), forged, **google) is Verdict.FAIL
    assert judged(*trace, "DKIM-Signature: v=1", forged, **google) is Verdict.NONE
    assert judged(*trace, "Received: from me by you", forged, **google) is Verdict.NONE


def test_microsoft_writes_no_id() -> None:
    microsoft = {"receiver": "microsoft365", "authserv_ids": ["outlook.com"]}
    inner = (
        "Received: from AS8P.eurprd08.prod.outlook.com (2603:10a6:20b:1::2)\r\n"
        " by DB9P.eurprd08.prod.outlook.com with HTTPS"
    )
    value = "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.net; shop.test; dkim=none"
    value += ";dmarc={} action=none header.from=example.net;compauth=pass"
    real = f"Authentication-Results: {value}"
    outside = (
        "Received: from mail.example.net (192.0.2.1) by AM6.mail.protection.outlook.com (10.1.1.1)"
    )
    assert judged(inner, real.format("pass"), outside, **microsoft) is Verdict.PASS
    assert judged(inner, real.format("pass"), outside) is Verdict.NONE  # not for other servers
    assert judged(inner, outside, real.format("pass"), **microsoft) is Verdict.NONE


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("From: anna@example.net", "anna@example.net"),
        ('From: "bob@evil.example" <Anna@Example.NET>', "anna@example.net"),
        ("From: a@example.net, b@example.net", None),
        ("From: a@example.net\r\nFrom: b@example.net", None),
        ("From: <a@example.net> <b@example.net>", None),
        ("From: a@b@example.net", None),
        ("From: undisclosed:;", None),
        ("Subject: none", None),
    ],
)
def test_a_proof_is_about_one_sender(line: str, found: str | None) -> None:
    assert sole_sender(f"{line}\r\n\r\n".encode()) == found


@pytest.mark.parametrize(
    "sender",
    ["anna@example.net, bob@example.net", "a@example.net\r\nFrom: b@example.net", "example.net"],
)
def test_with_several_senders_or_none_there_is_no_proof(sender: str) -> None:
    assert judged(f"Authentication-Results: {PASS}", OUTSIDE, sender=sender) is Verdict.NONE
