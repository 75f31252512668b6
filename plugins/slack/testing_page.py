"""Renders blocks and views to HTML, so that a browser can take a picture of them for people.

It shows what matters of Slack's look: order, weight, length and what can be pressed. Only for tests
and the pictures of the documentation.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

Raw = Mapping[str, Any]

STYLE = """
* { box-sizing: border-box } body { margin: 0; background: #fff; color: #1d1c1d; font:
15px/1.46668 Lato, "Noto Sans", "DejaVu Sans", "Noto Color Emoji", sans-serif } .channel {
width: 720px; padding: 16px 20px } .thread { margin-left: 44px } .message { display: flex; gap:
8px; padding: 6px 0 } .avatar { flex: 0 0 36px; height: 36px; border-radius: 8px; background:
#4a154b; color: #fff; display: grid; place-items: center; font-weight: 900 } .avatar.person {
background: #2bac76 } .who { font-weight: 900 } .who small { font-weight: 400; color: #616061;
margin-left: 6px } .app { background: #ebeaeb; border-radius: 2px; color: #616061; font-size:
10px; padding: 1px 3px; margin-left: 4px } .body { flex: 1; min-width: 0 } h3 { font-size: 18px;
line-height: 1.33; margin: 6px 0 4px } .context { color: #616061; font-size: 13px; margin: 4px 0
} .rich { margin: 4px 0 } .rich p, .section p { margin: 0; white-space: pre-wrap; overflow-wrap:
anywhere } blockquote { margin: 4px 0; padding-left: 12px; border-left: 4px solid #ddd;
white-space: pre-wrap } ul { margin: 2px 0; padding-left: 24px } li { white-space: pre-wrap } s
{ color: #616061 } .actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 4px }
.button, .select { border: 1px solid #bbbabb; border-radius: 4px; padding: 3px 10px; font-size:
13px; font-weight: 700; background: #fff; white-space: nowrap } .select::after { content: " ⌄" }
.primary { background: #007a5a; border-color: #007a5a; color: #fff } .danger { color: #e01e5a;
border-color: #e01e5a } .section { display: flex; gap: 16px; align-items: flex-start; margin:
8px 0 } .section p { flex: 1 } .mention { background: #e8f5fa; color: #1264a3; border-radius:
3px; padding: 0 2px } .reactions { display: flex; gap: 4px } .reaction { background: #efefef;
border-radius: 12px; padding: 1px 8px; font-size: 13px } hr { border: 0; border-top: 1px solid
#ddd; margin: 12px 0 } .modal { width: 520px; border: 1px solid #ddd; border-radius: 8px;
margin: 16px; box-shadow: 0 8px 24px #0002 } .modal header { font-size: 20px; font-weight: 900;
padding: 16px 20px; border-bottom: 1px solid #eee } .modal main { padding: 8px 20px } .modal
footer { padding: 12px 20px; text-align: right } .modal footer .button { margin-left: 8px }
label { display: block; font-weight: 700; margin: 10px 0 4px } label small { color: #616061;
font-weight: 400 } .typed { border: 1px solid #868686; border-radius: 4px; padding: 6px 10px;
min-height: 36px; white-space: pre-wrap; color: #616061 } .full { color: #1d1c1d } .long {
min-height: 72px } .hint { color: #616061; font-size: 13px; margin-top: 4px } .radio { display:
block; margin: 2px 0 } .only { color: #616061; font-size: 12px }
"""
EMOJI = {
    "hourglass_flowing_sand": "⏳", "outbox_tray": "📤", "white_check_mark": "✅", "eyes": "👀",
    "x": "❌", "question": "❓", "no_entry_sign": "🚫", "lock": "🔒", "pencil2": "✏️",
}  # fmt: skip


class Page:
    """Makes HTML of what the bot posted. ``now`` and ``zone`` are the reader's."""

    def __init__(self, now: datetime, zone: tzinfo | None = None) -> None:
        self._now, self._zone = now, zone or ZoneInfo("Europe/Berlin")

    def document(self, *parts: str) -> str:
        """A page of parts."""
        head = f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>"
        return f"{head}<div class=channel>{''.join(parts)}</div>"

    def message(
        self, raw: Raw, *, who: str = "Schalter", person: bool = False, only: str = ""
    ) -> str:
        """A message with its reactions; ``only`` says who alone sees it."""
        shown = "".join(self.block(one) for one in raw.get("blocks") or ())
        shown = shown or f"<div class=rich><p>{html.escape(raw.get('text', ''))}</p></div>"
        marks = (
            f"<span class=reaction>{EMOJI.get(name, name)} 1</span>"
            for name in raw.get("reactions", ())
        )
        badge = "" if person else "<span class=app>APP</span>"
        hidden = f"<div class=only>👁 {html.escape(only)}</div>" if only else ""
        return (
            f"<div class=message><div class='avatar {'person' if person else ''}'>{who[0]}</div>"
            f"<div class=body>{hidden}<span class=who>{html.escape(who)}{badge}</span>{shown}"
            f"<div class=reactions>{''.join(marks)}</div></div></div>"
        )

    def thread(self, *messages: str) -> str:
        """Replies."""
        return f"<div class=thread>{''.join(messages)}</div>"

    def view(self, raw: Raw) -> str:
        """A modal."""
        buttons = "".join(
            f"<span class='button {style}'>{_text(raw[name])}</span>"
            for name, style in (("close", ""), ("submit", "primary"))
            if name in raw
        )
        blocks = "".join(self.block(one) for one in raw["blocks"])
        return (
            f"<div class=modal><header>{_text(raw['title'])}</header><main>{blocks}</main>"
            f"<footer>{buttons}</footer></div>"
        )

    def block(self, raw: Raw) -> str:
        """One block."""
        shapes: Mapping[str, Callable[[Raw], str]] = {
            "header": lambda one: f"<h3>{_text(one['text'])}</h3>",
            "context": lambda one: _wrapped("context", map(_text, one["elements"])),
            "rich_text": lambda one: _wrapped("rich", map(self._rich, one["elements"])),
            "actions": lambda one: _wrapped("actions", map(self._element, one["elements"])),
            "divider": lambda _one: "<hr>",
            "section": self._section,
            "input": self._input,
        }
        return shapes[raw["type"]](raw)

    def _section(self, raw: Raw) -> str:
        beside = self._element(raw["accessory"]) if "accessory" in raw else ""
        return f"<div class=section><p>{_text(raw['text'])}</p>{beside}</div>"

    def _input(self, raw: Raw) -> str:
        more = " <small>(optional)</small>" if raw.get("optional") else ""
        hint = f"<div class=hint>{_text(raw['hint'])}</div>" if "hint" in raw else ""
        return f"<label>{_text(raw['label'])}{more}</label>{self._element(raw['element'])}{hint}"

    def _element(self, raw: Raw) -> str:
        kind = raw["type"]
        if kind == "button":
            return f"<span class='button {raw.get('style', '')}'>{_text(raw['text'])}</span>"
        if kind == "static_select":
            shown = raw.get("initial_option", {}).get("text") or raw.get("placeholder")
            return f"<span class=select>{_text(shown) if shown else 'Select an option'}</span>"
        if kind in ("radio_buttons", "checkboxes"):
            on = [raw.get("initial_option"), *raw.get("initial_options", ())]
            marks = ("◉", "○") if kind == "radio_buttons" else ("☑", "☐")
            return "".join(
                f"<span class=radio>{marks[one not in on]} {_text(one['text'])}</span>"
                for one in raw["options"]
            )
        if kind == "datetimepicker":
            shown = self._date("{date_num} {time}", raw["initial_date_time"])
            return f"<span class=typed>📅 {shown}</span>"
        if kind == "users_select":
            return "<span class=select>Select a person</span>"
        value, empty = raw.get("initial_value"), raw.get("placeholder")
        shape = f"typed {'long' if raw.get('multiline') else ''} {'full' if value else ''}"
        inside = html.escape(value) if value else (_text(empty) if empty else "")
        return f"<div class='{shape}'>{inside}</div>"

    def _rich(self, raw: Raw) -> str:
        kind = raw["type"]
        inside = "".join(
            map(self._rich if kind == "rich_text_list" else self._piece, raw["elements"])
        )
        if kind == "rich_text_quote":
            return f"<blockquote>{inside}</blockquote>"
        if kind == "rich_text_list":
            return f"<ul>{inside.replace('<p>', '<li>').replace('</p>', '</li>')}</ul>"
        return f"<p>{inside}</p>"

    def _piece(self, raw: Raw) -> str:
        if raw["type"] == "date":
            shown = html.escape(self._date(raw["format"], raw["timestamp"]))
        elif raw["type"] == "user":
            return f"<span class=mention>@{raw['user_id']}</span>"
        else:
            shown = html.escape(raw["text"])
        for name, tag in (("bold", "b"), ("italic", "i"), ("strike", "s")):
            if raw.get("style", {}).get(name):
                shown = f"<{tag}>{shown}</{tag}>"
        return shown

    def _date(self, form: str, stamp: int) -> str:
        at = datetime.fromtimestamp(stamp, self._zone)
        days = (at.date() - self._now.astimezone(self._zone).date()).days
        near = {0: "heute", 1: "morgen", -1: "gestern"}.get(days, f"{at:%d.%m.}")
        minutes = round((self._now - at).total_seconds() / 60)
        tokens = {
            "date_short_pretty": near,
            "date_num": f"{at:%Y-%m-%d}",
            "time": f"{at:%H:%M}",
            "ago": f"vor {minutes} Minuten",
        }
        return re.sub(r"\{(\w+)\}", lambda found: tokens[found[1]], form)


def _text(raw: Raw) -> str:
    return html.escape(raw["text"])


def _wrapped(name: str, parts: Iterable[str]) -> str:
    inside: Sequence[str] = list(parts)
    return f"<div class={name}>{' '.join(inside) if name == 'context' else ''.join(inside)}</div>"
