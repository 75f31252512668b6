"""Pictures of the desk for the documentation: ``python -m plugins.slack.testing_pictures FOLDER``.

Needs Chromium and the development tools.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.desk import ActField, Agent, Macro, Preview, Template
from plugins.slack import blocks, blocks_lines, blocks_modals, blocks_ops, blocks_trouble, marks
from plugins.slack.blocks import Shown
from plugins.slack.testing_page import Page
from plugins.slack.testing_samples import (
    CLOSED,
    DEAD,
    DIGEST,
    FAILED,
    HIDDEN,
    IN_CASE,
    LINES,
    MAILED,
    NOW,
    RELATED,
    SNOOZED,
    TAKEN,
    WAITING,
    words,
)

_JANA = Agent("slack:U0JANA", "Jana Kurz")
_TEMPLATE = Template(
    "HX1",
    "Bitte um Antwort",
    "Guten Tag Erika Mustermann, zu Ihrer Bestellung B-100234 gibt es Neues: [Nachricht] "
    "Bitte antworten Sie kurz auf diese Nachricht. Viele Grüße, Jana vom Lindenhof",
    (ActField("1", "", "Erika Mustermann"), ActField("2", "Nachricht", "")),
)
_MACRO = Macro(
    "delay",
    "Verspätung",
    "Guten Tag, Ihre Sendung zu B-100234 ist in Zustellung. Kommt sie bis morgen Abend nicht an, "
    "schicken wir Ihnen einen Ersatz.",
)
_PREVIEW = Preview(
    True, "B-100235: Statt „Alter Weg 1, 20095 Hamburg“ gilt dann „Lindenweg 4, 50674 Köln“."
)


def documents() -> Iterator[tuple[str, str]]:
    """Name and HTML of each picture."""
    page = Page(NOW)
    yield "slack-card", page.document(page.message(_raw(blocks.card(WAITING, words(), NOW))))
    cards = [blocks.card(case, words(), NOW) for case in (TAKEN, SNOOZED, CLOSED)]
    yield "slack-cards", page.document(*(page.message(_raw(one)) for one in cards))
    told = [blocks.card(RELATED, words(), NOW), blocks.card(HIDDEN, words(), NOW, reveals=True)]
    yield "slack-mail", page.document(page.message(_raw(blocks.card(MAILED, words(), NOW))))
    yield "slack-customers", page.document(page.message(_raw(told[0])))
    yield "slack-pseudonym", page.document(page.message(_raw(told[1])))
    yield "slack-thread", page.document(page.thread(*_thread(page)))
    known = words()
    told = [
        blocks_ops.alarm({"id": 3, "kind": "identity_burst", "facts": {}}, known),
        blocks_ops.dead_letter(DEAD, known),
        blocks_ops.broken("whatsapp", "no answer from Twilio for 40 s", known),
        blocks_ops.digest(DIGEST, known, NOW),
    ]
    yield "slack-ops", page.document(*(page.message(_raw(one)) for one in told))
    for name, view in _modals():
        yield f"slack-{name}", page.document(page.view(view))


def _thread(page: Page) -> Iterator[str]:
    known = words()
    before = _raw(blocks_lines.transcript(TAKEN, LINES, known))
    yield page.message(before)
    for line in IN_CASE:
        mark = [marks.INTERNAL] if line.id.startswith("note:") else []
        yield page.message(
            {**_raw(blocks_lines.line_message(TAKEN, line, known)), "reactions": mark}
        )
    own = {"text": FAILED.text}
    yield page.message({**own, "reactions": ["hourglass_flowing_sand"]}, who="Jana", person=True)
    undo = blocks_lines.undo(TAKEN.id, "slack:C:1", "Erika Mustermann", known)
    yield page.message(_raw(undo), only="Nur für dich sichtbar")
    yield page.message({**own, "reactions": ["eyes"]}, who="Jana", person=True)
    secret = {"text": "// Sie hat schon zweimal angerufen", "reactions": ["lock"]}
    yield page.message(secret, who="Jonas", person=True)
    yield page.message({**own, "reactions": ["x"]}, who="Jana", person=True)
    trouble = blocks_trouble.trouble(
        TAKEN.id, FAILED, known, contact="erika@post.example", templates=True
    )
    yield page.message(_raw(trouble))


def _modals() -> Iterator[tuple[str, Mapping[str, object]]]:
    known = words()
    yield "modal-back", blocks_modals.hand_back(TAKEN, known)
    yield "modal-more", blocks_modals.more(TAKEN, known, _JANA.id)
    yield "modal-macro", blocks_modals.macros(TAKEN, [_MACRO], known, _MACRO)
    template = blocks_trouble.pick_template(TAKEN, FAILED.id, [_TEMPLATE], known, _TEMPLATE)
    yield "modal-template", template
    yield "modal-preview", blocks_modals.order_preview(42, "change_address", _PREVIEW, known, "1")


def _raw(shown: Shown) -> dict[str, object]:
    return {"text": shown.text, "blocks": shown.blocks}


def take_all(folder: Path, chromium: str) -> list[Path]:
    """Take them; where they lie."""
    from playwright.sync_api import sync_playwright

    made = []
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        tab = browser.new_page(viewport={"width": 720, "height": 200})
        for name, document in documents():
            tab.set_content(document)
            path = folder / f"{name}.png"
            # A modal is narrower than a channel.
            tab.locator(".channel > .modal" if "modal" in name else ".channel").screenshot(
                path=path
            )
            made.append(path)
        browser.close()
    return made


if __name__ == "__main__":
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None or len(sys.argv) != 2:
        sys.exit(f"{__doc__}")
    for picture in take_all(Path(sys.argv[1]), found):
        print(picture)
