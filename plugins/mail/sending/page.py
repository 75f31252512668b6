"""A text as plain HTML: for readers that show nothing else well.

No colours, no pictures, nothing that is fetched: so it is readable in the dark too, and nobody
learns that it was read.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from html import escape
from urllib.parse import urlsplit

_LINK = re.compile(r"https?://[^\s<>\"'`|\\^{}\[\]]+")
_AFTER = ".,;:!?)"  # belongs to the sentence around a link
_STYLE = (
    ":root{color-scheme:light dark;supported-color-schemes:light dark}"
    "body{margin:0;padding:16px;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif}"
    "main,footer{max-width:38rem;overflow-wrap:anywhere}"
    "p{margin:0 0 1em}"
    "footer{margin-top:1.5em;padding-top:.75em;border-top:1px solid #808080;font-size:14px}"
)


def page(text: str, footer: str, language: str, own: Collection[str]) -> str:
    """The document. Links to the hosts ``own``, or below them, can be clicked; others are text."""
    below = f"<footer>{_paragraphs(footer, own)}</footer>" if footer else ""
    return (
        f'<!DOCTYPE html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="format-detection" content="telephone=no, date=no, address=no">'
        f"<style>{_STYLE}</style></head>\n"
        f"<body><main>{_paragraphs(text, own)}</main>{below}</body></html>\n"
    )


def _paragraphs(text: str, own: Collection[str]) -> str:
    parts = re.split(r"\n\s*\n", text.strip("\n"))
    return "\n".join(f"<p>{_lines(part, own)}</p>" for part in parts if part.strip())


def _lines(part: str, own: Collection[str]) -> str:
    return "<br>\n".join(_linked(line, own) for line in part.split("\n"))


def _linked(line: str, own: Collection[str]) -> str:
    # Blanks at the start of a line, and several in a row, stay.
    line = re.sub(r"^ | (?= )", "\N{NO-BREAK SPACE}", line)
    made, done = [], 0
    for match in _LINK.finditer(line):
        link = match[0].rstrip(_AFTER)
        made.append(escape(line[done : match.start()]))
        made.append(_anchor(link) if _is_own(link, own) else escape(link))
        done = match.start() + len(link)
    return "".join(made) + escape(line[done:])


def _anchor(link: str) -> str:
    return f'<a href="{escape(link)}">{escape(link)}</a>'


def _is_own(link: str, own: Collection[str]) -> bool:
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return False
    if "@" in parts.netloc:  # shop.example@elsewhere.example leads elsewhere
        return False
    return any(host == one or host.endswith(f".{one}") for one in own if one)
