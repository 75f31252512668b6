"""Names of files, made harmless: what a mail calls them is shown, stored and downloaded."""

from __future__ import annotations

import re
import unicodedata

LONGEST = (
    120  # characters; with four bytes each still storable under any file system's limit of 255
)
_EXTENSION = 12

_PATH = re.compile(r"(?:[A-Za-z]:)?[\\/]|\.{1,2}[\\/]|~[\\/]|[A-Za-z]:|file:")
_ILLEGAL = re.compile(r'[<>"|?*\\/]|:(?!\s)')
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?=\.|\s|$)", re.I
)
_KNOWN = {
    "message/delivery-status": "delivery-status.txt",
    "message/disposition-notification": "disposition-notification.txt",
    "message/rfc822": "message.eml",
    "message/global": "message.eml",
    "text/rfc822-headers": "headers.txt",
    "text/plain": "document.txt",
    "text/html": "document.html",
    "text/calendar": "calendar.ics",
    "text/csv": "document.csv",
    "text/vcard": "contact.vcf",
    "text/x-vcard": "contact.vcf",
    "image/jpeg": "image.jpg",
    "image/jpg": "image.jpg",
    "image/pjpeg": "image.jpg",
    "image/png": "image.png",
    "image/gif": "image.gif",
    "image/webp": "image.webp",
    "image/heic": "image.heic",
    "image/tiff": "image.tif",
    "video/quicktime": "video.mov",
    "video/mp4": "video.mp4",
    "audio/mpeg": "audio.mp3",
    "application/pdf": "document.pdf",
    "application/zip": "archive.zip",
    "application/ms-tnef": "winmail.dat",
    "application/pkcs7-mime": "smime.p7m",
}


def safe(name: str, content_type: str = "") -> str:
    """The name without paths, controls and tricks; one for its type if nothing is left of it.

    The true extension stays the last one, so that ``invoice.pdf.exe`` is seen to be a program.
    """
    text = unicodedata.normalize("NFC", name[:4096])
    if _PATH.match(text) or "\\" in text or "/../" in text:
        text = re.split(r"[\\/]|^[A-Za-z]:|^file:", text.rstrip("\\/"))[-1]
    text = "".join(" " if char.isspace() else char for char in text)
    text = "".join(char for char in text if unicodedata.category(char)[0] != "C")
    text = " ".join(_ILLEGAL.sub("_", text).split())
    text = text.strip().rstrip(". ").lstrip(". ")
    if not text.strip("_. "):
        return _KNOWN.get(content_type.lower(), "file")
    if _RESERVED.match(text):
        text = f"_{text}"
    return _shortened(text)


def _shortened(text: str) -> str:
    while len(text) > LONGEST or len(text.encode("utf-8", "replace")) > LONGEST * 2:
        stem, dot, extension = text.rpartition(".")
        if not dot or len(extension) > _EXTENSION:
            stem, dot, extension = text, "", ""
        over = max(1, len(text) - LONGEST, (len(text.encode()) - LONGEST * 2) // 4)
        text = stem[:-over].rstrip(". ") + dot + extension
    return text
