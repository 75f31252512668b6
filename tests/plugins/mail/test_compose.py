"""What goes out is sound mail, whatever stands in it."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.ports import Reject
from plugins.mail.addresses import is_address, normal
from plugins.mail.sending import header_text
from plugins.mail.sending.compose import File, Letter, address, base_subject, compose, reply_subject
from plugins.mail.sending.page import page

AT = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)
HOSTILE = [
    "Hallo\r\nBcc: opfer@example.com",
    "Hallo\nBcc: opfer@example.com\n\n<script>",
    "a\0b\x0bc\x0cd\x85e\u2028f\u2029g",
    "=?utf-8?q?Hallo=0D=0ABcc:_opfer@example.com?=",
    "=?utf-8?b?SGFsbG8NCkJjYzogb3BmZXJAZXhhbXBsZS5jb20=?= =?utf-8?q?x?=",
    "==?utf-8?q?x?=\u200b?",
    '"; <opfer@example.com>, "',
    "a" * 2000,
    "ä" * 2000,
    "\u202eexe.kcepten\u202c",
    "\ud83d kaputt",
    "  viele   Leerzeichen  ",
    "Müller, Jörg (Kranich) <x@y>",
    "",
]
VALID = re.compile(rb"[\t\r\n -~]*")
words = st.text(st.characters(codec="utf-8"), max_size=300) | st.sampled_from(HOSTILE)


def letter(**changed: Any) -> Letter:
    usual: dict[str, Any] = {
        "message_id": "0a1b2c@shop.example",
        "at": AT,
        "sender": "service@shop.example",
        "sender_name": "Kranich Kontor",
        "recipient": "erika@kundin.example",
        "subject": "Re: Frage",
        "text": "Guten Tag",
    }
    return Letter(**{**usual, **changed})


def strict(made: EmailMessage, *, utf8: bool = False) -> EmailMessage:
    """Sent and read again, with every defect an error."""
    raw = made.as_bytes()
    policy = email.policy.strict.clone(linesep="\r\n", utf8=utf8)
    # Python reads headers in UTF-8 (RFC 6532) only from text.
    read = email.message_from_string(raw.decode(), policy=policy)
    assert isinstance(read, EmailMessage)
    assert utf8 or VALID.fullmatch(raw), "beyond ASCII on the wire"
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    for part in read.walk():
        assert not part.defects
        for value in part.values():
            assert utf8 or not value.defects  # Python calls each address beyond ASCII a defect
    return read


@settings(max_examples=300)
@given(subject=words, name=words, text=words, footer=words, file=words)
def test_every_mail_parses_back_strictly_and_says_the_same(
    subject: str, name: str, text: str, footer: str, file: str
) -> None:
    made = letter(
        subject=subject,
        sender_name=name,
        text=text,
        footer=footer,
        automatic="auto-replied",
        in_reply_to="frage@kundin.example",
        references=("erste@kundin.example", "frage@kundin.example"),
        files=(File(file, "application/pdf", b"%PDF-1.7\r\n.\n\0"),),
    )
    read = strict(compose(made))
    assert sorted(read.keys()) == sorted(
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Content-Language",
            "X-Schalter-Message",
            "In-Reply-To",
            "References",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "MIME-Version",
            "Content-Type",
        ]
    )
    assert str(read["Subject"]) == header_text.plain(subject, 200)
    (sender,) = read["From"].addresses
    assert sender.addr_spec == "service@shop.example"
    assert sender.display_name in header_text.plain(name, 80)
    assert sender.display_name or not header_text.plain(name, 80)
    assert len(sender.display_name.encode()) >= min(len(header_text.plain(name, 80).encode()), 40)
    (recipient,) = read["To"].addresses
    assert recipient.addr_spec == "erika@kundin.example"
    assert read["Message-ID"] == "<0a1b2c@shop.example>"
    assert read["References"].split() == ["<erste@kundin.example>", "<frage@kundin.example>"]
    assert read["Date"].datetime == AT
    (attached,) = read.iter_attachments()
    assert attached.get_content() == b"%PDF-1.7\r\n.\n\0"
    assert attached.get_filename() == _file_name(file)
    plain_part = read.get_body(("plain",))
    html = read.get_body(("html",))
    assert plain_part is not None
    assert html is not None
    assert _said(text) in plain_part.get_content()
    assert "<script" not in html.get_content().lower()


def _file_name(name: str) -> str:
    return header_text.plain(re.sub(r'["\\/]', "_", name), 120).strip(" .") or "file"


def _said(text: str) -> str:
    """The first line that has letters, as a reader sees it."""
    for line in text.splitlines():
        if line.isascii() and line.isprintable() and line.strip():
            return line.rstrip()
    return ""


@pytest.mark.parametrize("text", HOSTILE)
def test_a_header_is_one_header(text: str) -> None:
    read = strict(compose(letter(subject=text, sender_name=text)))
    assert "Bcc" not in read
    assert len(read["From"].addresses) == 1


def test_lines_that_break_a_mail_are_sent_whole() -> None:
    """A dot alone ends a mail at the server, "From " begins one in an mbox, 998 is the limit."""
    text = ".\nFrom hier an\n..\n" + "x" * 3000 + "\n" + "ü" * 1500
    body = strict(compose(letter(text=text))).get_body(("plain",))
    assert body is not None
    assert body.get_content().rstrip("\r\n") == text.replace("\n", "\r\n")


def test_what_a_person_wrote_is_not_called_automatic() -> None:
    read = strict(compose(letter()))
    assert "Auto-Submitted" not in read
    assert "X-Auto-Response-Suppress" not in read
    assert "List-Unsubscribe" not in read
    assert "Precedence" not in read


def test_a_long_thread_keeps_its_first_and_its_latest_references() -> None:
    ids = [f"m{number}@kundin.example" for number in range(100)]
    read = strict(compose(letter(references=ids)))
    kept = read["References"].split()
    assert kept[0] == "<m0@kundin.example>"
    assert kept[-1] == "<m99@kundin.example>"
    assert len(kept) == 21


@pytest.mark.parametrize(
    "odd", ["", "ohne-at", "a b@c", "a@b>\r\nBcc: x@y", "a@b> <c@d", "ü@b", "x" * 260 + "@b"]
)
def test_a_message_id_of_theirs_that_is_none_is_left_out(odd: str) -> None:
    read = strict(compose(letter(in_reply_to=odd, references=(odd, "gut@kundin.example"))))
    assert "In-Reply-To" not in read
    assert read["References"] == "<gut@kundin.example>"


@pytest.mark.parametrize(
    ("given_address", "sent"),
    [
        ("erika@kundin.example", "erika@kundin.example"),
        ("Erika.Muster+shop@Kundin.EXAMPLE", "Erika.Muster+shop@kundin.example"),
        ("jörg@straße.example".replace("ö", "oe"), "joerg@xn--strae-oqa.example"),
        ("post@bücher.example", "post@xn--bcher-kva.example"),
        ("zwei..punkte@docomo.example", '"zwei..punkte"@docomo.example'),
        ('"eine leere"@kundin.example', '"eine leere"@kundin.example'),
    ],
)
def test_addresses_as_they_go_over_the_wire(given_address: str, sent: str) -> None:
    assert address(given_address) == sent
    made = compose(letter(recipient=given_address))
    assert len(strict(made)["To"].addresses) == 1
    assert f"\r\nTo: {sent}\r\n".encode() in made.as_bytes()


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "@",
        "erika",
        "erika@",
        "@kundin.example",
        "erika@kun din.example",
        "a\r\nb@c.example",
        "a@b\r\nRCPT TO:<x@y>",
        "a@b@",
        "a@-b.example",
        "a@b..example",
        "x" * 65 + "@b.example",
        "a\u2028ä@b.example",
        "a@" + "b." * 200 + "example",
        "ä<b>@c.example",
    ],
)
def test_what_is_no_address_is_not_written_to(wrong: str) -> None:
    with pytest.raises(Reject) as rejected:
        address(wrong, utf8=True)
    assert rejected.value.reason == "mail_address"


_LOCALS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=70) | st.text(
    "aä.\xad=?[]'\u2028\u200b\ue000\u0301", min_size=1, max_size=80
)


@settings(max_examples=500)
@given(_LOCALS, st.sampled_from(["example.net", "bücher.example", "e" * 63 + ".example"]))
@example("a" * 65, "example.net")
@example("aò" + "a" * 100, "example.net")
@example("\xadÿ", "example.net")
def test_whom_we_take_for_a_sender_we_can_write_to(local: str, domain: str) -> None:
    """The fuzz test's finding: a sender was answered whose answers could not leave."""
    email = f"{local}@{domain}"
    if is_address(email):
        compose(letter(recipient=normal(email), utf8=True))


def test_an_umlaut_before_the_at_needs_a_server_that_takes_it() -> None:
    with pytest.raises(Reject) as rejected:
        compose(letter(recipient="jörg@kundin.example"))
    assert rejected.value.reason == "mail_address_utf8"
    read = strict(compose(letter(recipient="jörg@kundin.example", utf8=True)), utf8=True)
    assert read["To"].addresses[0].addr_spec == "jörg@kundin.example"


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Frage", "Frage"),
        ("Re: Frage", "Frage"),
        ("AW: Re: RE: Antwort: Aw: Frage", "Frage"),
        ("Re[2]: Re^3: SV: Frage", "Frage"),
        ("AW:Frage", "Frage"),
        ("Rechnung: falsch", "Rechnung: falsch"),
        ("Fwd: Frage", "Fwd: Frage"),
        ("Re: ", ""),
        ("", ""),
    ],
)
def test_re_does_not_pile_up(subject: str, base: str) -> None:
    assert base_subject(subject) == base
    assert reply_subject(subject) == f"Re: {base}"
    assert reply_subject(reply_subject(subject)) == f"Re: {base}"


def test_a_mail_inside_is_no_mail_of_ours() -> None:
    """An attached message/rfc822 would be opened as if we had written it."""
    inside = File("mail.eml", "message/rfc822", b"From: chef@shop.example\r\n\r\nHallo")
    (part,) = strict(compose(letter(files=(inside,)))).iter_attachments()
    assert part.get_content_type() == "application/octet-stream"


OWN = ("shop.example", "bot.example")


@pytest.mark.parametrize(
    ("text", "clicked"),
    [
        (
            "Siehe https://www.shop.example/hilfe?a=1&b=2.",
            ["https://www.shop.example/hilfe?a=1&b=2"],
        ),
        ("(http://bot.example/x)", ["http://bot.example/x"]),
        ("https://shop.example.boese.example/", []),
        ("https://boeseshop.example/", []),
        ("https://shop.example@boese.example/", []),
        ("https://boese.example/?https://shop.example", []),
        ("javascript:alert(1) https://[kaputt", []),
        ('https://shop.example/"onclick="x', ["https://shop.example/"]),
    ],
)
def test_only_own_links_can_be_clicked(text: str, clicked: list[str]) -> None:
    html = page(text, "", "de", OWN)
    links = re.findall(r'<a href="([^"]*)">', html)
    assert [link.replace("&amp;", "&") for link in links] == clicked


@given(words, words)
def test_the_page_holds_no_markup_of_theirs_and_fetches_nothing(text: str, footer: str) -> None:
    html = page(text, footer, "de", OWN)
    tags = set(re.findall(r"<\s*/?\s*([a-z!]+)", html.lower()))
    usual = {"!doctype", "html", "head", "meta", "style", "body", "main", "footer", "p", "br", "a"}
    assert tags <= usual
    assert not re.search(r"url\(|src=|@import|<link", html.split("</head>")[0])
