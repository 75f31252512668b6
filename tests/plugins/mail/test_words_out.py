"""What comes back for a mail, and in which language: its text, its subject and its footer."""

from __future__ import annotations

import asyncio
import email
import email.policy
import shutil
from email.message import EmailMessage
from pathlib import Path

import pytest

from bot.messages import Answer, Say, Turn, Understanding
from bot.testing import ScriptedDialogue
from bot.testing.running import running_bot
from plugins.mail.testing_servers import PASSWORD, MailServers
from tests.plugins.mail.inbox import box, raw_mail, watched

ME, ANNA = "words@shop.test", "anna.words@example.net"
ENGLISH = "> We are happy to tell you that your parcel has left our warehouse this morning."
GERMAN = "> Wir freuen uns, Ihnen mitzuteilen, dass Ihr Paket heute unser Lager verlassen hat."


class Unsure(ScriptedDialogue):
    async def _answer(self, turn: Turn) -> Answer:
        del turn
        return Answer((Say(text="?"),), understanding=Understanding("track_order", 0.4))


async def answer_to(servers: MailServers, folder: Path, text: str, subject: str) -> EmailMessage:
    for address in (ME, ANNA):
        shutil.rmtree(servers.maildir(address), ignore_errors=True)
    mailbox = {"mailboxes": [box(servers, "words")], "burst_seconds": 0, "poll_seconds": 1}
    plugins = {"knowledge": {}, "web": {"announce": False}, "mail": mailbox}
    environment = {"SCHALTER_MAIL_WORDS_PASSWORD": PASSWORD}
    async with running_bot(folder, plugins, Unsure(), environment=environment) as bot:
        await watched(bot)
        servers.put(ME, raw_mail(text, sender=f"Anna <{ANNA}>", to=ME, subject=subject))
        for _ in range(400):
            if mails := servers.mails(ANNA):
                await asyncio.sleep(0.3)  # a second one would come at once
                assert len(servers.mails(ANNA)) == 1
                parsed = email.message_from_bytes(mails[0], policy=email.policy.default)
                assert isinstance(parsed, EmailMessage)
                return parsed
            await asyncio.sleep(0.05)
    raise AssertionError("no answer")


@pytest.mark.parametrize(
    ("text", "subject", "language", "words", "footer"),
    [
        (
            f"Hello,\n\nwhere is my parcel? I waited.\n\nOn Monday, Shop wrote:\n{GERMAN}",
            "My parcel",
            "en",
            "Your message has arrived.",
            "This is an automatic answer",
        ),
        (
            f"Hallo,\n\nwo ist mein Paket? Ich warte schon.\n\nOn Monday, Shop wrote:\n{ENGLISH}",
            "Mein Paket",
            "de",
            "Ihre Nachricht ist angekommen.",
            "Dies ist eine automatische Antwort",
        ),
        (
            f"{ENGLISH}\nDas stimmt nicht.\n{ENGLISH}\nDa ist auch nichts.",
            "Mein Paket",
            "de",
            "Ihre Nachricht ist angekommen.",
            "Dies ist eine automatische Antwort",
        ),
    ],
    ids=["english", "german", "between the lines"],
)
async def test_all_of_an_answer_is_in_the_language_of_the_mail(
    servers: MailServers,
    tmp_path: Path,
    text: str,
    subject: str,
    language: str,
    words: str,
    footer: str,
) -> None:
    """Quoted words are somebody else's: a German mail got an English answer."""
    mail = await answer_to(servers, tmp_path, text, subject)
    body = mail.get_body(("plain",))
    assert body is not None
    said = body.get_content()
    assert words in said
    assert footer in said.split("\n-- \n")[1]
    assert str(mail["Subject"]) == f"Re: {subject}"
    assert str(mail["Content-Language"]) == language
