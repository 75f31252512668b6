"""Pseudonyms: with them nothing that the desk writes in Slack says who a customer is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.desk import Case, HistoryLine, Template
from bot.messages import Address
from bot.ports import Store, Tx
from bot.store.customers import Related, WrittenBy
from plugins.slack.words import Words

# What is none is read, too: sought from each of its letters on, one took time by its square.
_ADDRESS = re.compile(r"[\w.+-]+(@[\w-]+(?:\.[\w-]+)+)?")
_NUMBER = re.compile(r"(?<!\w)[+(]?\d[\d\s/().-]{5,}\d(?!\w)")
_DIGITS = 8  # at the end of a number that tell it from others
_PART = 3  # characters of a part of a name that is hidden alone
_FEW, _MANY = 0x10000, 0x1000000
_ORDER = ("customer", "name", "email", "phone", "address")
"""What a shop may tell of an order that says whose it is."""


def code(person: int) -> str:
    """``K-7F3A``: the same for one customer always, and another one for each.

    Scattered, so that neighbours do not look alike; it hides nothing that Slack could work out.
    """
    if person < _FEW:
        return f"K-{(person * 40_503 + 9_001) % _FEW:04X}"
    return f"K-{(person * 11_400_729 + 9_001) % _MANY:06X}"


@dataclass(frozen=True)
class Secrets:
    """What names a customer, and what stands in its place."""

    code: str
    names: re.Pattern[str] | None = None
    numbers: frozenset[str] = frozenset()

    def hide(self, text: str) -> str:
        """A text without names, e-mail addresses and known numbers."""
        text = _ADDRESS.sub(lambda found: self.code if found[1] else found[0], text)
        if self.names is not None:
            text = self.names.sub(self.code, text)
        return _NUMBER.sub(self._number, text) if self.numbers else text

    def _number(self, found: re.Match[str]) -> str:
        return self.code if _digits(found[0])[-_DIGITS:] in self.numbers else found[0]


@dataclass(frozen=True)
class Veil:
    """Hides who customers are while ``on``; else it gives everything back as it is."""

    store: Store
    words: Words
    on: bool = False

    async def case(self, case: Case) -> Case:
        """A case that may be shown. A second time changes nothing."""
        if not self.on:
            return case
        secrets = await self._of(case.conversation)
        return replace(
            case,
            customer=self._pseudonym(case.person),
            address=Address(case.address.channel, ""),
            contact=None,
            outcome=case.outcome and secrets.hide(case.outcome),
            summary=secrets.hide(case.summary),
            orders=tuple(_without_person(order) for order in case.orders),
            related=tuple(map(self._related, case.related)),
            sender=case.sender and _hidden_sender(case.sender, secrets),
        )

    async def lines(self, case: Case, found: Sequence[HistoryLine]) -> list[HistoryLine]:
        """Lines of a case that may be shown; what they say is only for showing."""
        if not self.on:
            return [*found]
        secrets = await self._of(case.conversation)
        return [_hidden(line, secrets) for line in found]

    async def line(self, case: Case, line: HistoryLine) -> HistoryLine:
        """The same for one."""
        return (await self.lines(case, [line]))[0]

    async def text(self, case: Case, text: str) -> str:
        """The same for words."""
        return (await self._of(case.conversation)).hide(text) if self.on else text

    async def templates(self, case: Case, found: Sequence[Template]) -> list[Template]:
        """Templates as an agent sees them; the values go out as they are."""
        if not self.on:
            return [*found]
        secrets = await self._of(case.conversation)
        return [replace(one, text=secrets.hide(one.text)) for one in found]

    def _pseudonym(self, person: int) -> str:
        return self.words("pseudonym", code=code(person))

    def _related(self, other: Related) -> Related:
        address = Address(other.address.channel, "")
        return replace(other, name=self._pseudonym(other.person), address=address)

    async def _of(self, conversation: int) -> Secrets:
        return await self.store.read(lambda tx: secrets_of(tx, conversation))


def secrets_of(tx: Tx, conversation: int) -> Secrets:
    """What is known of who writes in a conversation, on all channels."""
    rows = tx.rows(
        "SELECT v.customer, v.name, v.address, v.phone, v.email, "
        "(SELECT group_concat(c.value, char(10)) FROM contacts c WHERE c.conversation = v.id) "
        "AS contacts, (SELECT group_concat(k.contact, char(10)) FROM cases k "
        "WHERE k.conversation = v.id) AS told FROM conversations v "
        "JOIN conversations me ON me.customer = v.customer WHERE me.id = :id",
        id=conversation,
    )
    known = [str(row[key]) for row in rows for key in ("address", "phone", "email") if row[key]]
    for row in rows:
        known += f"{row['contacts'] or ''}\n{row['told'] or ''}".split("\n")
    names = [str(row["name"]) for row in rows if row["name"]]
    numbers = {_digits(one)[-_DIGITS:] for one in known if len(_digits(one)) >= _DIGITS}
    person = next((row["customer"] for row in rows), 0)
    return Secrets(code(person or 0), _pattern(names, known), frozenset(numbers))


def _pattern(names: Iterable[str], known: Iterable[str]) -> re.Pattern[str] | None:
    """The whole names first, then their parts: a text says ``Erika`` as well."""
    parts = {part for name in names for part in re.findall(r"[^\W\d_]+", name)}
    told = {one for one in (*names, *known, *parts) if len(one) >= _PART}
    each = "|".join(re.escape(one) for one in sorted(told, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{each})(?!\w)", re.IGNORECASE) if each else None


def _hidden(line: HistoryLine, secrets: Secrets) -> HistoryLine:
    files = tuple(replace(one, name=secrets.hide(one.name)) for one in line.attachments)
    quote = line.quote and secrets.hide(line.quote)
    folded = secrets.hide(line.folded)
    return replace(
        line, text=secrets.hide(line.text), quote=quote, folded=folded, attachments=files
    )


def _hidden_sender(sender: WrittenBy, secrets: Secrets) -> WrittenBy:
    return replace(sender, address="", subject=secrets.hide(sender.subject))


def _without_person(order: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in order.items() if key not in _ORDER}


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign in "0123456789")
