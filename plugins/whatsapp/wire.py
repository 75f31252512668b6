"""Pure parsing and rendering: Twilio's forms in, parameters for its API out.

The fields are those of https://www.twilio.com/docs/messaging/guides/webhook-request and
https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.messages import Address, Attachment, Button, Inbound, Kind, Receipt, State
from plugins.whatsapp.reasons import reason_of

CHANNEL = "whatsapp"
BODY_LIMIT = 1600
"""Characters of a message (the API's `Body`)."""
BUTTON_BODY_LIMIT = 1024
"""Characters of a text above buttons (`twilio/quick-reply`, `twilio/list-picker`)."""
TEMPLATE_LIMIT = 1024
"""Characters of a template with its variables filled in."""
TITLE_LIMIT = 20
"""Characters of a quick reply's title; an item of a list may have 24."""
QUICK_REPLIES, LIST_ITEMS = 3, 10
CHOICE = "choice_"
"""Buttons carry their place, not what they mean: one content serves all questions of its shape."""

_NUMBER = re.compile(r"whatsapp:(\+[1-9]\d{6,14})")
_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")
_WITHOUT_WORDS = frozenset({"reaction", "order", "unsupported", "system", "ephemeral"})
_STATES = {
    "accepted": State.SENT,
    "scheduled": State.SENT,
    "queued": State.SENT,
    "sending": State.SENT,
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.READ,
    "failed": State.FAILED,
    "undelivered": State.FAILED,
    "canceled": State.FAILED,
}


class Malformed(Exception):
    """A request that is signed and yet no message or status."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button or an item of a list: its place (from 1), and under which message it stood."""

    place: int
    under: str | None


def parse_message(form: Mapping[str, str]) -> tuple[Inbound, Pressed | None]:
    """A message, and the button that was pressed, if one was. Raises :class:`Malformed`."""
    sid = form.get("MessageSid", "")
    sender = _NUMBER.fullmatch(form.get("From", ""))
    if not _SID.fullmatch(sid) or sender is None:
        raise Malformed("no MessageSid or sender")
    attachments, pressed = _attachments(form), _pressed(form)
    kind = _kind(form, attachments, pressed)
    text = form.get("Body", "")
    if kind is Kind.LOCATION:
        text = _place(form)
    elif kind is Kind.BUTTON:
        text = form.get("ButtonText") or form.get("ListTitle") or text
    message = Inbound(
        address=Address(CHANNEL, sender[1]),
        wire_id=sid,
        kind=kind,
        text=text,
        attachments=attachments,
        sender_name=" ".join(form.get("ProfileName", "").split()) or None,
        quotes=form.get("OriginalRepliedMessageSid") or None,
        phone=sender[1],
    )
    return message, pressed


def _kind(
    form: Mapping[str, str], attachments: tuple[Attachment, ...], pressed: Pressed | None
) -> Kind:
    told = form.get("MessageType", "text").lower()
    if form.get("Latitude") and form.get("Longitude"):
        return Kind.LOCATION
    if attachments and all("vcard" in one.content_type for one in attachments):
        return Kind.CONTACT
    if pressed is not None:
        return Kind.BUTTON
    if attachments:
        return Kind.TEXT if form.get("Body") else Kind.MEDIA
    wordless = not form.get("Body") and told not in ("text", "")
    return Kind.UNKNOWN if wordless or told in _WITHOUT_WORDS else Kind.TEXT


def _pressed(form: Mapping[str, str]) -> Pressed | None:
    given = form.get("ButtonPayload") or form.get("ListId") or ""
    place = given.removeprefix(CHOICE)
    if given == place or not (place.isascii() and place.isdigit() and len(place) < 3):
        return None
    return Pressed(int(place), form.get("OriginalRepliedMessageSid") or None)


def _attachments(form: Mapping[str, str]) -> tuple[Attachment, ...]:
    try:
        count = int(form.get("NumMedia") or 0)
    except ValueError:
        raise Malformed("NumMedia is no number") from None
    if not 0 <= count <= 10:
        raise Malformed("NumMedia is out of range")
    return tuple(_attachment(form, index) for index in range(count))


def _attachment(form: Mapping[str, str], index: int) -> Attachment:
    url = form.get(f"MediaUrl{index}", "")
    if not url:
        raise Malformed("a MediaUrl is missing")
    content_type = form.get(f"MediaContentType{index}", "application/octet-stream").lower()
    bare = content_type.partition(";")[0].strip()
    kind = "contact" if "vcard" in bare else bare.partition("/")[0]
    ending = ".vcf" if "vcard" in bare else mimetypes.guess_extension(bare) or ""
    return Attachment(f"{kind}-{index + 1}{ending}", bare, ref=url)


def _place(form: Mapping[str, str]) -> str:
    names = [form[key] for key in ("Label", "Address") if form.get(key)]
    return "\n".join([*dict.fromkeys(names), f"{form['Latitude']}, {form['Longitude']}"])


def parse_status(form: Mapping[str, str]) -> Receipt | None:
    """What became of a message; ``None`` for a state that we do not know.

    Raises :class:`Malformed`.
    """
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    status = (form.get("MessageStatus") or form.get("SmsStatus") or "").lower()
    if not _SID.fullmatch(sid) or not status:
        raise Malformed("no MessageSid or MessageStatus")
    state = _STATES.get(status)
    if state is None:
        return None
    reason = reason_of(form.get("ErrorCode")) if state is State.FAILED else None
    return Receipt(CHANNEL, sid, state, reason)


def number(address: str) -> str:
    """A number as Twilio writes it."""
    return f"whatsapp:{address}"


def content_of(text: str, buttons: tuple[Button, ...], choose: str, language: str) -> Content:
    """The content for a question with buttons, and what fills its variables.

    A variable may hold no line break, tab or run of blanks, so each line is one of its own.
    ``choose`` is what opens a list.
    """
    lines = [" ".join(line.split()) for line in text.split("\n")]
    variables = {str(place): line for place, line in enumerate(filter(None, lines), 1)}
    places = iter(range(1, len(variables) + 1))
    body = "\n".join(f"{{{{{next(places)}}}}}" if line else "" for line in lines)
    titles = [(f"{CHOICE}{place}", button.title) for place, button in enumerate(buttons, 1)]
    if len(buttons) <= QUICK_REPLIES:
        actions = [{"type": "QUICK_REPLY", "title": title, "id": id} for id, title in titles]
        types = {"twilio/quick-reply": {"body": body, "actions": actions}}
    else:
        items = [{"id": id, "item": title, "description": ""} for id, title in titles]
        types = {"twilio/list-picker": {"body": body, "button": choose, "items": items}}
    return Content(language, types, variables)


@dataclass(frozen=True, slots=True)
class Content:
    """A content of the Content API. ``variables`` fill it for one message."""

    language: str
    types: Mapping[str, object]
    variables: Mapping[str, str]

    @property
    def shape(self) -> str:
        """The same for all questions that one content serves."""
        known = json.dumps([self.language, self.types], sort_keys=True)
        return hashlib.sha256(known.encode()).hexdigest()

    def to_dict(self) -> dict[str, object]:
        """The request that makes it, as the SDK asks for it; samples are only for the console."""
        return {
            "friendly_name": f"schalter_{self.shape[:16]}",
            "language": self.language,
            "variables": dict.fromkeys(self.variables, "…"),
            "types": self.types,
        }


def one_line(text: str) -> str:
    """What may fill a template's variable: WhatsApp takes no line breaks and no run of blanks."""
    return " ".join(text.split()) or "–"
