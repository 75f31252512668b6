"""Calendar parts in one line each: what, when, where. No words, so that it needs no language."""

from __future__ import annotations

import re

EVENTS = 20

_WANTED = ("SUMMARY", "DTSTART", "DTEND", "LOCATION")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d{0,2}(Z)?)?")


def events(text: str) -> list[str]:
    """Its events and tasks, as ``Delivery, 2026-11-27 10:00 – 11:00 (Europe/Berlin), Berlin``."""
    lines: list[str] = []
    fields: dict[str, tuple[str, str]] = {}
    for line in re.sub(r"\n[ \t]", "", text.replace("\r\n", "\n")).split("\n"):
        name, colon, value = line.partition(":")
        while colon and name.count('"') % 2:  # a colon within a quoted parameter
            more, colon, value = value.partition(":")
            name = f"{name}:{more}"
        key, _, parameters = name.partition(";")
        key = key.strip().upper()
        if key == "BEGIN" and value.strip().upper() in ("VEVENT", "VTODO"):
            fields = {}
        elif key == "END" and value.strip().upper() in ("VEVENT", "VTODO"):
            if shown := _shown(fields):
                lines.append(shown)
            if len(lines) >= EVENTS:
                break
        elif key in _WANTED:
            fields.setdefault(key, (parameters, value.strip()))
    return lines


def method(text: str) -> str:
    """What is asked for: REQUEST, REPLY, CANCEL ..., in capitals, or the empty text."""
    match = re.search(r"^METHOD[^:\n]{0,80}:[ \t]*([A-Za-z-]{1,40})", text, re.M | re.I)
    return match[1].upper() if match else ""


def _shown(fields: dict[str, tuple[str, str]]) -> str:
    summary, place = (_plain(fields.get(key, ("", ""))[1]) for key in ("SUMMARY", "LOCATION"))
    begin, end = _time(*fields.get("DTSTART", ("", ""))), _time(*fields.get("DTEND", ("", "")))
    if begin and end:
        same = begin[:10] == end[:10]
        zone = re.search(r" \([^)]*\)$", begin)
        head = begin[: zone.start()] if zone and end.endswith(zone[0]) else begin
        when = head if head == end else f"{head} – {end[11:] if same and len(end) > 10 else end}"
    else:
        when = begin or end
    return ", ".join(filter(None, (summary, when, place)))


def _time(parameters: str, value: str) -> str:
    match = _TIME.match(value)
    if match is None:
        return value[:40]
    day = f"{match[1]}-{match[2]}-{match[3]}"
    if not match[4]:
        return day
    zone = re.search(r'TZID="?([^";:]{1,60})', parameters, re.I)
    name = " (UTC)" if match[6] else f" ({zone[1]})" if zone else ""
    return f"{day} {match[4]}:{match[5]}{name}"


def _plain(value: str) -> str:
    value = re.sub(r"\\([nN])", " ", value[:2000])
    return " ".join(re.sub(r"\\(.)", r"\1", value).split())[:300]
