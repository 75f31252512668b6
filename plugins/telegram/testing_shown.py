"""What the simulated Telegram shows to people, and what it refuses to show."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

Raw = dict[str, Any]


def units(text: str) -> int:
    """How long Telegram thinks a text is."""
    return len(text.encode("utf-16-le")) // 2


def check_keyboard(markup: Raw, chat_type: str) -> str:
    """What is wrong with a keyboard; nothing, mostly."""
    if markup.get("remove_keyboard") is True:
        return ""
    rows = markup.get("inline_keyboard") or markup.get("keyboard")
    if not rows or not all(rows):
        return "object expected as reply markup"
    buttons = [button for row in rows for button in row]
    if len(buttons) > 100:
        return "REPLY_MARKUP_TOO_LONG"
    if not all(button.get("text") for button in buttons):
        return "inline keyboard button text must be non-empty"
    if "inline_keyboard" in markup:
        return next(filter(None, map(_check_inline, buttons)), "")
    asks = any(button.get("request_contact") for button in buttons)
    return (
        "phone number can be requested in private chats only"
        if (asks and chat_type != "private")
        else ""
    )


def check_webhook(url: str) -> str:
    """What is wrong with the address of a webhook; nothing, mostly."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return "An HTTPS URL must be provided for webhook"
    if (parts.port or 443) not in (443, 80, 88, 8443):
        return "Webhook can be set up only on ports 80, 88, 443 or 8443"
    return ""


def check_photo(data: bytes) -> str:
    """What is wrong with a picture. Sides that add up to more than 10,000 are refused."""
    if data.startswith(b"\xff\xd8\xff"):
        return ""
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or len(data) < 24:
        return "IMAGE_PROCESS_FAILED"
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if not (width and height):
        return "IMAGE_PROCESS_FAILED"
    odd = width + height > 10_000 or max(width, height) > 20 * min(width, height)
    return "PHOTO_INVALID_DIMENSIONS" if odd else ""


def shown(message: Raw, content: Raw, markup: Raw) -> Any:
    """The message as a person sees it."""
    from plugins.telegram.testing import Shown

    inline = [button for row in markup.get("inline_keyboard", ()) for button in row]
    pressed = [button for button in inline if "callback_data" in button]
    kind = next((one for one in ("photo", "document") if one in message), "text")
    file, name = content.get("_file", (None, ""))
    return Shown(
        id=message["message_id"],
        text=str(message.get("text") or message.get("caption") or ""),
        buttons=tuple(button["text"] for button in pressed),
        data=tuple(button["callback_data"] for button in pressed),
        links=tuple(button["url"] for button in inline if "url" in button),
        keyboard=tuple(button["text"] for row in markup.get("keyboard", ()) for button in row),
        keyboard_removed=bool(markup.get("remove_keyboard")),
        kind=kind,
        file=file,
        name=name,
        raw=message,
    )


def _check_inline(button: Raw) -> str:
    kinds = [key for key in ("callback_data", "url") if key in button]
    if len(kinds) != 1 or set(button) - {"text", *kinds}:
        return "inline keyboard button must have exactly one optional field"
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
        return "BUTTON_DATA_INVALID"
    if urlsplit(button.get("url", "tg://")).scheme not in ("http", "https", "tg"):
        return "BUTTON_URL_INVALID"
    return ""
