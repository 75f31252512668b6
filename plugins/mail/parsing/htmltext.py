"""HTML as the text that a person reads in it: lists, tables, links and quotes stay so."""

from __future__ import annotations

import re
from html import unescape

from plugins.mail.parsing.htmltokens import Tag, tokens

_DEEPEST = 12  # marks of quotation before a line


def _named(names: str) -> frozenset[str]:
    return frozenset(names.split())


_BLOCKS = _named(
    "address article aside blockquote body caption center dd details dialog div dl dt "
    "fieldset figcaption figure footer form header html legend li main menu nav ol "
    "optgroup option pre section summary table tbody tfoot thead tr ul textarea select"
)
_SPACED = _named("p h1 h2 h3 h4 h5 h6 blockquote ul ol dl table pre")
_VOID = _named(
    "area base basefont bgsound br col embed frame hr img input keygen link meta param "
    "source track wbr"
)
_TRACKED = _named("a blockquote div ol pre table textarea ul")
_NEVER = _named("head script style title xmp noembed template")
_SELF_CLOSED = _named("p li td th tr dd dt option")
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|(?<![\w-])opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)"
    r"|max-height\s*:\s*0(?:px)?\s*(?:;|!|$)",
    re.I,
)
_QUOTING = re.compile(r"border-left\s*:\s*(?:[\d.]+(?:px|pt)?\s+)?(?:solid)", re.I)
_NO_BORDER = re.compile(r"border(?:-left)?(?:-width)?\s*:\s*(?:none|0)", re.I)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_LINKED = re.compile(r"(?:https?|ftp|tel|sms|mailto|whatsapp):", re.I)
_INVISIBLE = dict.fromkeys((8203, 65279, 173, 847, 8288)) | {0xA0: " "}
_FILE_NAME = re.compile(r"[\w@.-]*\.(?:png|jpe?g|gif|bmp|webp|svg)(?:@[\w.]*)?|cid:.*", re.I)
_LONG = 300  # characters of a link; longer ones are for counting readers, and lose what they count
_RULE = "_" * 32  # as Outlook writes it before what it quotes


class _Open:
    """An element that means something for the text in it."""

    __slots__ = ("counter", "href", "name", "pieces", "quoting")

    def __init__(self, name: str, quoting: bool = False, counter: int = 0) -> None:
        self.name = name
        self.quoting = quoting
        self.counter = counter
        self.href = ""
        self.pieces: list[str] = []


class _Writer:
    """Lines, each with the marks of the quote that it stands in."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0
        self._line: list[str] = []
        self._begun = False
        self._blank = False
        self._outer = 0  # how deep in quotes the empty line stands
        self._space = False
        self._held_open = False

    def write(self, text: str, verbatim: bool = False) -> None:
        if verbatim:
            first, *more = text.split("\n")
            self._put(first)
            for line in more:
                self.end(force=True)
                self._put(line)
            return
        flat = _SPACE.sub(" ", text)
        body = flat.strip(" ")
        self._space = self._space or (flat.startswith(" ") and self._begun)
        if body:
            self._put(f" {body}" if self._space and self._begun else body)
            self._space = flat.endswith(" ")

    def _put(self, text: str) -> None:
        if not text:
            return
        self._fill()
        self._line.append(text)
        self._begun = True

    def hold_open(self) -> None:
        """Makes an empty line count: editors write a space that does not break for one."""
        self._held_open = True

    @property
    def begun(self) -> bool:
        """Whether something stands on the line already."""
        return self._begun

    def end(self, force: bool = False) -> None:
        """Ends the line; an empty one is only ended by force."""
        text = "".join(self._line).rstrip()
        if text or force:
            self._fill()
            mark = self._marks()
            self.lines.append(f"{mark} {text}" if mark and text else mark or text)
        elif self._held_open:
            self._want_blank()
        self._line, self._begun, self._space, self._held_open = [], False, False, False

    def gap(self) -> None:
        """Wants an empty line before what comes next."""
        self.end()
        self._want_blank()

    def _want_blank(self) -> None:
        if self.lines and self.lines[-1].strip("> ") and not self._blank:
            self._blank, self._outer = True, self.depth
        self._outer = min(self._outer, self.depth)

    def _fill(self) -> None:
        if self._blank and self.lines:
            self.lines.append(">" * min(self._outer, self.depth, _DEEPEST))
        self._blank = False

    def _marks(self) -> str:
        return ">" * min(self.depth, _DEEPEST)


class _Reader:
    def __init__(self, show_hidden: bool) -> None:
        self.out = _Writer()
        self._show_hidden = show_hidden
        self._stack: list[_Open] = []
        self._counts: dict[str, int] = {}
        self._hidden = ""
        self._hidden_depth = 0
        self._never = ""
        self._cell = False
        self._anchor: _Open | None = None  # there is no link in a link

    @property
    def unfinished(self) -> bool:
        return bool(self._hidden or self._never)

    def read(self, html: str) -> None:
        for token in tokens(html):
            if isinstance(token, str):
                self._text(token)
            elif token.end:
                self._end(token.name)
            else:
                self._start(token)
        while self._stack:
            self._pop()
        self.out.end()

    def _text(self, text: str) -> None:
        if self._hidden or self._never:
            return
        if not text.isascii():
            if "\u00a0" in text and not text.strip():
                self.out.hold_open()
            text = text.translate(_INVISIBLE)
        verbatim = bool(self._counts.get("pre") or self._counts.get("textarea"))
        if self._cell and text.strip():
            if self.out.begun:
                self.out.write(" | ", verbatim=True)
            self._cell = False
        if self._anchor is not None:
            self._anchor.pieces.append(text)
        self.out.write(text.replace("\r\n", "\n") if verbatim else text, verbatim)

    def _skipped(self, tag: Tag) -> bool:
        """Whether it stands in something that nobody sees."""
        name = tag.name
        if self._never:
            return not (name == "body" and self._never == "head")
        if name in _NEVER:
            self._never = name
            return True
        if self._hidden:
            if name == self._hidden and name not in _VOID:
                if name not in _SELF_CLOSED:
                    self._hidden_depth += 1
                    return True
                self._hidden = ""
            else:
                return True
        if not self._show_hidden and name not in _VOID and name not in ("body", "html"):
            attributes = tag.attributes
            style = attributes.get("style", "")
            if "hidden" in attributes or (style and _HIDDEN.search(style)):
                self._hidden, self._hidden_depth = name, 1
                return True
        return False

    def _start(self, tag: Tag) -> None:
        if self._skipped(tag):
            return
        self._never = ""
        name = tag.name
        if name == "br":
            self.out.end(force=True)
        elif name == "hr":
            self.out.end()
            self.out.write(_RULE)
            self.out.end()
        elif name == "img":
            self._image(tag.attributes)
        elif name in ("td", "th"):
            self._cell = self.out.begun
        elif name in _SPACED:
            self.out.gap()
            self._cell = False
        elif name in _BLOCKS:
            self.out.end()
            self._cell = False
        if name == "li":
            self._item()
        if name in _TRACKED:
            self._push(tag)

    def _push(self, tag: Tag) -> None:
        name, attributes = tag.name, tag.attributes
        if name == "a":
            self._close("a")  # a link ends where the next one begins
        start = attributes.get("start", "")
        counter = (int(start) if start.isdecimal() and len(start) < 6 else 1) if name == "ol" else 0
        element = _Open(name, _quotes(name, attributes), counter)
        if name == "a":
            element.href = attributes.get("href", "")
            self._anchor = element
        self._stack.append(element)
        self._counts[name] = self._counts.get(name, 0) + 1
        if element.quoting:
            self.out.end()
            self.out.depth += 1

    def _item(self) -> None:
        self.out.end()
        lists = self._counts.get("ul", 0) + self._counts.get("ol", 0)
        mark = "- "
        if self._stack and self._stack[-1].name == "ol":
            mark = f"{self._stack[-1].counter}. "
            self._stack[-1].counter += 1
        self.out.write("  " * min(max(lists - 1, 0), 8) + mark, verbatim=True)

    def _end(self, name: str) -> None:
        if self._never:
            if name == self._never:
                self._never = ""
            return
        if self._hidden:
            self._hidden_depth -= name == self._hidden
            if not self._hidden_depth:
                self._hidden = ""
            return
        if name in _TRACKED:
            self._close(name)
        if name in _SPACED:
            self.out.gap()
        elif name in _BLOCKS:
            self.out.end()

    def _close(self, name: str) -> None:
        """Ends the innermost of this name and all that was left open in it."""
        if self._counts.get(name):
            while self._pop() != name:
                pass

    def _pop(self) -> str:
        element = self._stack.pop()
        self._counts[element.name] -= 1
        if element is self._anchor:
            self._anchor = None
        if element.href:
            self._link(element.href, "".join(element.pieces))
        if element.quoting:
            self.out.end()
            self.out.depth -= 1
        return element.name

    def _link(self, href: str, text: str) -> None:
        href = "".join(href.split())
        if not _LINKED.match(href) or _same(href, text):
            return
        if len(href) > _LONG:
            href = href.partition("?")[0][:_LONG]
        self.out.write(f" <{href}>" if text.strip() else f"<{href}>")

    def _image(self, attributes: dict[str, str]) -> None:
        alt = " ".join(attributes.get("alt", "").split())
        tiny = any(
            attributes.get(side, "").strip().removesuffix("px") in ("0", "1", "2")
            for side in ("width", "height")
        )
        if alt and not tiny and not _FILE_NAME.fullmatch(alt):
            self._text(f"[{alt}]")


def _quotes(name: str, attributes: dict[str, str]) -> bool:
    """Whether what stands in an element is somebody else's, by what mailers write for that."""
    style = attributes.get("style", "")
    if name == "blockquote":
        cited = attributes.get("type", "").lower() == "cite" or "quote" in attributes.get(
            "class", ""
        )
        return cited or not _NO_BORDER.search(style) or bool(_QUOTING.search(style))
    return name == "div" and attributes.get("name", "").lower() == "quote"


def _same(href: str, text: str) -> bool:
    """Whether a link is what its text says already."""
    shown = "".join(text.split()).lower().rstrip("/")
    target = href.lower().rstrip("/")
    scheme, _, rest = target.partition(":")
    rest = rest.lstrip("/")
    if scheme in ("tel", "sms"):
        return re.sub(r"\D", "", rest)[-6:] in re.sub(r"\D", "", shown)
    if scheme == "mailto":
        return rest.partition("?")[0] in shown
    return bool(shown) and shown in (target, rest, rest.removeprefix("www."))


def text_of(html: str) -> str:
    """What is seen of it. Hidden text counts only if there is no other, or its end is missing."""
    reader = _Reader(show_hidden=False)
    reader.read(html)
    if reader.unfinished or not any(reader.out.lines):
        reader = _Reader(show_hidden=True)
        reader.read(html)
    return "\n".join(reader.out.lines).strip("\n")


def without_tags(text: str) -> str:
    """What is seen of a text that only calls itself HTML: its lines stay."""
    lines = unescape(text).translate(_INVISIBLE).split("\n")
    return "\n".join(_SPACE.sub(" ", line).strip(" ") for line in lines).strip("\n")


def is_html(text: str) -> bool:
    """Whether there is a tag in it at all."""
    return re.search(r"</?[a-zA-Z][\w-]*[\s/>]|<!", text) is not None
