"""What goes out: in order, within the window, with buttons, files and templates; and what fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.desk import Line, SendTemplate, TakeOver
from bot.messages import Answer, Attachment, Button, Outcome, Say
from bot.testing import RunningBot
from plugins.whatsapp.testing import Customer, Shown, TwilioSimulator

CREATE = "/Messages.json"
THREE = (Button("Ja", "/affirm"), Button("Nein", "/deny"), Button("Mensch", "/contact_human_agent"))


def created(twilio: TwilioSimulator) -> int:
    asked = twilio.api.requests
    return sum(method == "POST" and path.endswith(CREATE) for method, path, _ in asked)


async def state(bot: RunningBot, text: str) -> tuple[str, str | None]:
    (row,) = await bot.until(
        "SELECT state, reason FROM outbox WHERE text = :text "
        "AND state NOT IN ('queued', 'sending')",
        text=text,
    )
    return row["state"], row["reason"]


async def reaches(bot: RunningBot, wanted: str, text: str = "echo: Hallo") -> None:
    sql = "SELECT 1 FROM outbox WHERE text = :text AND state = :state"
    await bot.until(sql, text=text, state=wanted)


async def taken(bot: RunningBot, anna: Customer) -> None:
    bot.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await anna.says("mensch")
    await anna.receives()
    assert (await bot.app.core.desk_inbox.accept(TakeOver("t", 1, "Mia"))).done
    await anna.receives()


async def line(bot: RunningBot, text: str, *files: Attachment) -> None:
    assert (await bot.app.core.desk_inbox.accept(Line(text, 1, "Mia", text, files))).done


# --- states


async def test_states_are_followed(bot: RunningBot, anna: Customer) -> None:
    await anna.says("Hallo")
    await anna.receives()
    await reaches(bot, "delivered")


@pytest.mark.parametrize(
    "states",
    [
        ("read", "delivered", "sent", "queued"),
        ("delivered", "read", "delivered"),
        ("sent", "read", "nonsense", "sending"),
    ],
)
async def test_states_in_any_order_twice_never_go_back(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, states: tuple[str, ...]
) -> None:
    twilio.faults.states, twilio.faults.states_twice = states, True
    await anna.says("Hallo")
    await anna.receives()
    while len(twilio.answers) < 1 + 2 * len(states):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await reaches(bot, "read")
    assert set(twilio.answers) == {200}


async def test_a_state_before_the_answer_is_kept(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    twilio.faults.slow = 0.0
    twilio.faults.states = ("read",)
    await anna.says("Hallo")
    await reaches(bot, "read")


@pytest.mark.parametrize(
    ("code", "reason"),
    [(63003, "whatsapp_not_there"), (63024, "whatsapp_not_there"), (63033, "whatsapp_blocked")],
)
async def test_what_fails_later_is_seen(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, code: int, reason: str
) -> None:
    twilio.faults.fails_later.append(code)
    await anna.says("Hallo")
    await reaches(bot, "failed")
    assert await state(bot, "echo: Hallo") == ("failed", reason)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(21610, "whatsapp_opted_out"), (21211, "whatsapp_number"), (99999, "whatsapp_refused")],
)
async def test_what_is_refused_is_not_tried_again(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, code: int, reason: str
) -> None:
    twilio.faults.codes.append(code)
    await anna.says("Hallo")
    assert await state(bot, "echo: Hallo") == ("failed", reason)
    assert created(twilio) == 1
    assert bot.app.texts.has(f"reason_{reason}")


# --- in order, under faults


async def test_too_many_requests_hold_all_and_keep_the_order(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    twilio.faults.too_many, twilio.faults.retry_after = 2, "0.2"
    says = tuple(Say(text=f"{number}.") for number in range(5))
    bot.dialogue.replies["zähl"] = Answer(says)
    await anna.says("zähl")
    assert [(await anna.receives()).text for _ in says] == ["0.", "1.", "2.", "3.", "4."]
    assert created(twilio) == 7


async def test_a_pause_counts_for_everybody(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    twilio.faults.too_many, twilio.faults.retry_after = 1, "0.6"
    bea = twilio.customer("+491713920002", "Bea")
    await anna.says("Hallo")
    await bot.until("SELECT 1 FROM outbox WHERE attempts = 1")
    await bea.says("Hallo")
    await bea.receives_nothing(0.2)
    assert created(twilio) == 1
    await bea.receives()
    await anna.receives()


async def test_a_broken_twilio_is_asked_and_tried_again(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, settled_at_once: None
) -> None:
    twilio.faults.broken = 1
    await anna.says("Hallo")
    assert (await anna.receives()).text == "echo: Hallo"
    await anna.receives_nothing()


@pytest.fixture
def settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.whatsapp.channel.WhatsAppChannel.settles_after", timedelta(0))


async def test_a_connection_cut_after_it_was_taken_sends_nothing_twice(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    twilio.faults.cut_after, twilio.faults.states = 1, ()
    await anna.says("Hallo")
    assert (await anna.receives()).text == "echo: Hallo"
    await reaches(bot, "sent")
    assert created(twilio) == 1
    (row,) = await bot.rows("SELECT vendor_id FROM outbox WHERE text = 'echo: Hallo'")
    assert row["vendor_id"] == anna.phone[0].sid


async def test_a_connection_cut_before_is_sent_again(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, settled_at_once: None
) -> None:
    twilio.faults.cut_before = 1
    await anna.says("Hallo")
    assert (await anna.receives()).text == "echo: Hallo"
    await anna.receives_nothing()


async def test_a_state_settles_what_the_list_does_not_show_yet(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    twilio.faults.cut_after, twilio.faults.hidden = 1, 1
    await anna.says("Hallo")
    await reaches(bot, "delivered")
    assert created(twilio) == 1


async def test_the_same_words_twice_are_told_apart(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, settled_at_once: None
) -> None:
    bot.dialogue.replies["zwei"] = Answer((Say(text="Gut."), Say(text="Gut.")))
    await anna.says("zwei")
    await anna.receives()
    await anna.receives()
    twilio.faults.cut_before = 1
    await anna.says("zwei")
    assert [(await anna.receives()).text for _ in range(2)] == ["Gut.", "Gut."]
    await anna.receives_nothing()
    rows = await bot.rows("SELECT DISTINCT vendor_id FROM outbox WHERE text = 'Gut.'")
    assert len(rows) == 4


async def test_refused_credentials_turn_health_red(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    good, twilio.auth_token = twilio.auth_token, "another"
    await anna.says("Hallo")
    await bot.until("SELECT 1 FROM outbox WHERE reason = 'whatsapp_credentials'")
    checks = [await check() for check in bot.app.plugins.each("health")]
    assert [c.detail for c in checks if not c.ok] == ["Twilio refuses the account's credentials"]
    twilio.auth_token = good


# --- buttons and lists


async def question(bot: RunningBot, anna: Customer, *buttons: Button, text: str = "Ja?") -> Shown:
    bot.dialogue.replies["frage"] = Answer((Say(text=text, buttons=buttons),), Outcome.ASK)
    await anna.says("frage")
    return await anna.receives()


@pytest.mark.parametrize("count", [1, 3, 4, 10])
async def test_buttons_and_lists_come_back_as_what_they_mean(
    bot: RunningBot, anna: Customer, count: int
) -> None:
    buttons = [Button(f"Wahl {n}", f'/affirm{{"proposal": "{n}"}}') for n in range(count)]
    shown = await question(bot, anna, *buttons, text="Stimmt das?\n\nLindenweg 4\n50674 Köln")
    assert shown.text == "Stimmt das?\n\nLindenweg 4\n50674 Köln"
    assert shown.buttons == tuple(button.title for button in buttons)
    await anna.presses(f"Wahl {count - 1}")
    await anna.receives()
    assert bot.dialogue.asked[-1].payload == buttons[-1].payload


async def test_an_old_button_means_what_it_meant(bot: RunningBot, anna: Customer) -> None:
    old = await question(bot, anna, Button("Ja", '/affirm{"proposal": "old"}'))
    await question(bot, anna, Button("Ja", '/affirm{"proposal": "new"}'))
    await anna.presses("Ja", old)
    await anna.receives()
    assert bot.dialogue.asked[-1].payload == '/affirm{"proposal": "old"}'


async def test_a_content_is_made_once_for_a_shape(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    for text in ("Erste Frage?", "Zweite Frage?"):
        await question(bot, anna, *THREE, text=text)
    assert len(twilio.api.contents) == 1
    (content,) = twilio.api.contents.values()
    assert "Frage" not in str(content)


async def test_a_content_that_is_gone_is_made_again(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    await question(bot, anna, *THREE)
    twilio.api.contents.clear()
    assert (await question(bot, anna, *THREE)).buttons == ("Ja", "Nein", "Mensch")


async def test_what_does_not_fit_is_numbered(bot: RunningBot, anna: Customer) -> None:
    long = Button("Ein Titel mit mehr als zwanzig Zeichen", "/long")
    shown = await question(bot, anna, Button("Kurz", "/short"), long)
    assert shown.buttons == ()
    assert f"1. Kurz\n2. {long.title}" in shown.text
    await anna.says("2")
    await anna.receives()
    assert bot.dialogue.asked[-1].payload == "/long"


async def test_long_texts_are_cut_at_sentences_in_order(bot: RunningBot, anna: Customer) -> None:
    text = " ".join(f"Das ist Satz Nummer {number}." for number in range(150))
    bot.dialogue.replies["lang"] = Answer((Say(text=text),))
    await anna.says("lang")
    parts = [(await anna.receives()).text for _ in range(3)]
    assert " ".join(parts) == text
    assert all(len(part) <= 1600 and part.endswith(".") for part in parts)


# --- files


async def test_a_label_goes_out_behind_a_signed_link(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    files = bot.app.files
    made = await files.put_bytes(b"%PDF-1.4 label", name="Rücksendeetikett.pdf", owner="x")
    bot.dialogue.replies["etikett"] = Answer((Say(text="Hier:", files=(str(made.file),)),))
    await anna.says("etikett")
    assert (await anna.receives()).text == "Hier:"
    (link,) = (await anna.receives()).media
    assert await twilio.opens(link) == (200, b"%PDF-1.4 label", "application/pdf")
    status, _, _ = await twilio.opens(link.replace("media/", "media/x"))
    assert status == 404


async def test_a_link_expires(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await bot.app.files.put_bytes(b"%PDF-1.4 label", name="a.pdf", owner="x")
    bot.dialogue.replies["etikett"] = Answer((Say(files=(str(made.file),), text="da"),))
    await anna.says("etikett")
    await anna.receives()
    (link,) = (await anna.receives()).media
    import itsdangerous.timed as timed

    now = timed.time.time()
    monkeypatch.setattr(timed.TimestampSigner, "get_timestamp", lambda _self: int(now) + 3700)
    assert (await twilio.opens(link))[0] == 410


# --- the window


class Late:
    """Lets a day pass for the customer's last message."""

    def __init__(self, bot: RunningBot, twilio: TwilioSimulator) -> None:
        self.bot, self.twilio = bot, twilio

    async def passes(self) -> None:
        self.twilio.clock_shift = timedelta(hours=25)
        sql = "UPDATE conversations SET last_in_at = '2026-01-01T00:00:00.000000+00:00'"
        await self.bot.app.store.write(lambda tx: tx.run(sql))


async def test_outside_of_the_window_nothing_leaves(
    bot: RunningBot, anna: Customer, twilio: TwilioSimulator
) -> None:
    await taken(bot, anna)
    asked = created(twilio)
    await Late(bot, twilio).passes()
    await line(bot, "Sind Sie noch da?")
    assert await state(bot, "Sind Sie noch da?") == ("failed", "window_closed")
    assert created(twilio) == asked


@pytest.mark.parametrize("language", ["de", "en"])
async def test_outside_of_it_an_approved_template_goes_out_in_its_language(
    start: Any, anna: Customer, twilio: TwilioSimulator, language: str
) -> None:
    sid = twilio.api.approve("Hallo, {{who}} schreibt: {{1}}", language)
    template = {
        "content_sid": sid,
        "language": language,
        "variables": {"who": "{agent}", "1": "{text}"},
    }
    async with start(templates=[template]) as bot:
        await taken(bot, anna)
        await Late(bot, twilio).passes()
        await line(bot, "Ihr Paket\nist da.")
        if language == "en":  # the conversation is German: no template fits
            assert await state(bot, "Ihr Paket\nist da.") == ("failed", "window_closed")
            return
        shown = await anna.receives()
        assert (shown.template, shown.text) == (sid, "Hallo, Mia schreibt: Ihr Paket ist da.")


async def test_inside_of_the_window_no_template_is_used(
    start: Any, anna: Customer, twilio: TwilioSimulator
) -> None:
    sid = twilio.api.approve("Hallo {{1}}")
    template = {"content_sid": sid, "language": "de", "variables": {"1": "{text}"}}
    async with start(templates=[template]) as bot:
        await taken(bot, anna)
        await line(bot, "Gern!")
        shown = await anna.receives()
        assert (shown.template, shown.text) == (None, "Gern!")


# --- templates that an agent chooses


async def test_a_chosen_template_goes_out_with_its_variables_at_any_time(
    start: Any, anna: Customer, twilio: TwilioSimulator
) -> None:
    body = "Zu {{1}} von {{who}}: bitte antworten Sie."
    sid = twilio.api.approve(body)
    template = {
        "content_sid": sid,
        "language": "de",
        "response": "",
        "title": "Bitte um Antwort",
        "text": body,
        "variables": {"1": "{text}", "who": "{agent}"},
    }
    async with start(templates=[template]) as bot:
        await taken(bot, anna)
        inbox = bot.app.core.desk_inbox
        (offered,) = await inbox.templates(1)
        assert (offered.name, offered.title) == (sid, "Bitte um Antwort")
        assert offered.text == "Zu [Nachricht] von Mia: bitte antworten Sie."
        values = {"1": "Ihrer Frage", "who": "Mia"}
        assert (await inbox.accept(SendTemplate("in", 1, "Mia", sid, values))).done
        shown = await anna.receives()
        said = "Zu Ihrer Frage von Mia: bitte antworten Sie."
        assert (shown.template, shown.text) == (sid, said)
        await Late(bot, twilio).passes()
        await line(bot, "Sind Sie noch da?")
        assert await state(bot, "Sind Sie noch da?") == ("failed", "window_closed")
        assert (await inbox.accept(SendTemplate("late", 1, "Mia", sid, values))).done
        shown = await anna.receives()
        assert (shown.template, shown.text) == (sid, said)
        await reaches(bot, "delivered", said)


async def test_one_that_the_settings_name_no_more_is_refused_and_not_sent(
    start: Any, anna: Customer, twilio: TwilioSimulator
) -> None:
    sid = twilio.api.approve("Es gibt Neues.")
    template = {"content_sid": sid, "language": "de", "response": "", "title": "Neues"}
    async with start(templates=[{**template, "text": "Es gibt Neues."}]) as bot:
        await taken(bot, anna)
        twilio.faults.too_many = 3
        command = SendTemplate("send", 1, "Mia", sid, {})
        assert (await bot.app.core.desk_inbox.accept(command)).done
        await bot.until("SELECT 1 FROM outbox WHERE text = 'Es gibt Neues.' AND attempts > 0")
    asked = created(twilio)
    twilio.faults.too_many = 0
    async with start() as bot:
        await bot.app.store.write(lambda tx: tx.run("UPDATE outbox SET not_before = created_at"))
        assert await state(bot, "Es gibt Neues.") == ("failed", "whatsapp_template")
        assert created(twilio) == asked


# --- a restart


async def test_a_restart_looks_up_what_was_cut_off(
    start: Any, anna: Customer, twilio: TwilioSimulator
) -> None:
    async with start() as bot:
        await anna.says("Hallo")
        await anna.receives()
        await reaches(bot, "delivered")
        await bot.app.store.write(
            lambda tx: [
                tx.run("UPDATE outbox SET state = 'sending', vendor_id = NULL WHERE op = 'send'"),
                tx.run("UPDATE whatsapp_sent SET sid = NULL"),
            ]
        )
    async with start() as bot:
        await reaches(bot, "sent")
        assert created(twilio) == 1
