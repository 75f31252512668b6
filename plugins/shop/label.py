"""Draws the demo carrier's return label: A6, black on white, plainly marked as no real label."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from unicodedata import combining, normalize

import reportlab
import segno
from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.pagesizes import A6
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A6
MARGIN = 6 * mm
REGULAR, BOLD = "Vera", "VeraBd"
NOTICE = ("DEMO – keine Versandmarke", "DEMO – not a real shipping label")
WATERMARK = "DEMO"
ROOM_LINES = 5
"""Lines of an address at full size; a longer address gets smaller letters."""
BAR = 0.5 * mm
"""The narrowest bar; 16 characters of Code 128 take 143 of them, with room for the quiet zones."""


@dataclass(frozen=True, slots=True)
class LabelText:
    """What stands on a label. `tracking` is the barcode, `qr` what the QR code says."""

    carrier: str
    tracking: str
    qr: str
    order: str
    day: date
    sender: tuple[str, ...]
    recipient: tuple[str, ...]


def label_pdf(text: LabelText) -> bytes:
    """The label as PDF; the same text gives the same bytes."""
    _fonts()
    buffer = io.BytesIO()
    page = Canvas(buffer, pagesize=A6, invariant=1, pageCompression=1)
    page.setTitle(f"{NOTICE[0]} {text.tracking}")
    page.setAuthor(_printable(text.carrier))
    page.setSubject(text.order)
    _watermark(page)
    _head(page, text)
    _notice(page)
    _addresses(page, text)
    _qr(page, text)
    _barcode(page, text)
    page.showPage()
    page.save()
    return buffer.getvalue()


def qr_png(content: str) -> bytes:
    """The QR code alone, large enough to be scanned from a phone's screen."""
    buffer = io.BytesIO()
    segno.make_qr(content, error="q").save(buffer, kind="png", scale=10, border=4)
    return buffer.getvalue()


@cache
def _fonts() -> None:
    """Embedded fonts print the same everywhere; these two come with reportlab."""
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))


def _printable(text: str) -> str:
    """The text in letters that the font has: without the accents it lacks, else with a `?`."""
    known = pdfmetrics.getFont(REGULAR).face.charToGlyph
    letters = []
    for letter in normalize("NFC", text):
        plain = "".join(part for part in normalize("NFKD", letter) if not combining(part))
        fits = (
            form for form in (letter, plain) if form and all(ord(part) in known for part in form)
        )
        letters.append(next(fits, "?"))
    return "".join(letters)


def _text(
    page: Canvas, x: float, y: float, text: str, size: float, font: str = REGULAR, room: float = 0
) -> None:
    """Write a line that gets smaller where it would be wider than `room` points."""
    shown = _printable(text)
    width = pdfmetrics.stringWidth(shown, font, size)
    page.setFont(font, size * min(1.0, room / width) if room and width else size)
    page.drawString(x, y, shown)


def _watermark(page: Canvas) -> None:
    """Left of the QR code and above the barcode, so that a scanner never meets it."""
    page.saveState()
    page.translate(MARGIN + 28 * mm, HEIGHT / 2 - 9 * mm)
    page.rotate(18)
    page.setFillGray(0.92)
    page.setFont(BOLD, 46)
    page.drawCentredString(0, -16, WATERMARK)
    page.restoreState()


def _head(page: Canvas, text: LabelText) -> None:
    top = HEIGHT - MARGIN
    _text(page, MARGIN, top - 14, text.carrier, 17, BOLD, room=58 * mm)
    page.setFont(BOLD, 13)
    page.drawRightString(WIDTH - MARGIN, top - 13, "RETOURE")
    page.setFont(REGULAR, 6.5)
    page.drawRightString(WIDTH - MARGIN, top - 21, "return parcel")


def _notice(page: Canvas) -> None:
    height, y = 12 * mm, HEIGHT - MARGIN - 10 * mm - 12 * mm
    page.setFillGray(0)
    page.rect(MARGIN, y, WIDTH - 2 * MARGIN, height, stroke=0, fill=1)
    page.setFillGray(1)
    page.setFont(BOLD, 12)
    page.drawCentredString(WIDTH / 2, y + height - 15, NOTICE[0])
    page.setFont(REGULAR, 8)
    page.drawCentredString(WIDTH / 2, y + 6.5, NOTICE[1])
    page.setFillGray(0)


def _addresses(page: Canvas, text: LabelText) -> None:
    room = WIDTH - 2 * MARGIN
    top = HEIGHT - MARGIN - 27 * mm
    _block(page, (MARGIN, top), ("Von / from", text.sender), 7.5, room)
    line = top - 20 * mm
    page.setLineWidth(0.6)
    page.line(MARGIN, line, WIDTH - MARGIN, line)
    _block(page, (MARGIN, line - 4.5 * mm), ("An / to", text.recipient), 10.5, room - 36 * mm)


def _block(
    page: Canvas,
    start: tuple[float, float],
    content: tuple[str, Sequence[str]],
    size: float,
    room: float,
) -> None:
    (x, y), (title, lines) = start, content
    size *= min(1.0, ROOM_LINES / len(lines))
    _text(page, x, y, title, 6)
    for index, line in enumerate(lines):
        y -= size * 1.32
        _text(page, x, y, line, size, BOLD if index == 0 else REGULAR, room)


def _qr(page: Canvas, text: LabelText) -> None:
    rows = [[bool(cell) for cell in row] for row in segno.make_qr(text.qr, error="m").matrix]
    side = 31 * mm
    cell = side / len(rows)
    left, top = WIDTH - MARGIN - side, HEIGHT - MARGIN - 27 * mm - 23.5 * mm
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                page.rect(left + x * cell, top - (y + 1) * cell, cell, cell, stroke=0, fill=1)


def _barcode(page: Canvas, text: LabelText) -> None:
    height, bottom = 20 * mm, MARGIN + 9 * mm
    page.setLineWidth(0.6)
    page.line(MARGIN, bottom + height + 9.5 * mm, WIDTH - MARGIN, bottom + height + 9.5 * mm)
    facts = bottom + height + 4.5 * mm
    _text(page, MARGIN, facts, f"Bestellung / order  {text.order}", 8, BOLD)
    page.setFont(REGULAR, 8)
    page.drawRightString(WIDTH - MARGIN, facts, text.day.isoformat())
    code = Code128(text.tracking, barHeight=height, barWidth=BAR, quiet=0, humanReadable=0)
    code.drawOn(page, (WIDTH - code.width) / 2, bottom)
    page.setFont(BOLD, 11)
    page.drawCentredString(WIDTH / 2, bottom - 5 * mm, _spaced(text.tracking))


def _spaced(tracking: str) -> str:
    return " ".join(tracking[at : at + 4] for at in range(0, len(tracking), 4))
