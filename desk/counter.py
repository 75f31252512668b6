"""Puts the agents' side together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.actions import ActionRunner
from bot.messages import Features
from bot.ports import Files, Middleware, OrderFacts, Store, Texts, TimerHandler, Tx
from bot.rendering import Renderer
from bot.store.codec import Clock, utc_now
from bot.store.telling import BOUNCED
from desk.acting import Acting
from desk.bounces import Bounces
from desk.changes import Changes
from desk.claims import CLAIM, Claims
from desk.commands import Commands
from desk.contact import Contacts
from desk.expecting import ANSWER, Expecting
from desk.handoff import CaseBook
from desk.inbox import CoreDeskInbox
from desk.lines import Lines
from desk.linking import Linking
from desk.macros import Macros
from desk.ownership import Ownership
from desk.routing import Routing
from desk.senders import Senders, TellSender
from desk.summary import Summary
from desk.templates import OfferTemplates, Templates
from desk.triage import SNOOZE, Triage
from desk.words import Words


@dataclass(frozen=True, kw_only=True)
class DeskParts:
    """What the agents' side needs of the host.

    ``undo_seconds``: until an agent's line leaves. ``language`` is the one that the team reads.
    ``answer``: the working time until a person should have answered, by priority. ``claim``: the
    working time that a customer waits for a silent agent (zero: never ends), then ``claim_grace``.
    ``offers`` are the templates of channels, ``senders`` tell who writes.
    """

    routing: Routing
    order_facts: OrderFacts | None = None
    undo_seconds: float = 0.0
    language: str = "de"
    answer: Mapping[str, timedelta] = field(default_factory=lambda: ANSWER)
    claim: timedelta = timedelta()
    claim_grace: timedelta = timedelta(minutes=5)
    offers: Mapping[str, OfferTemplates] = field(default_factory=dict)
    senders: Mapping[str, TellSender] = field(default_factory=dict)


class Counter:
    """The agents' side, wired. A :class:`bot.counter.Counter`."""

    def __init__(
        self,
        parts: DeskParts,
        *,
        store: Store,
        files: Files,
        texts: Texts,
        renderer: Renderer,
        features: Mapping[str, Features],
        actions: ActionRunner,
        clock: Clock = utc_now,
    ) -> None:
        expecting = Expecting(texts=texts, hours=parts.routing.hours, answer=parts.answer)
        words = Words(texts=texts, language=parts.language)
        self.handoff = book = CaseBook(
            renderer=renderer,
            routing=parts.routing,
            expecting=expecting,
            words=words,
            features=features,
            clock=clock,
        )
        self._triage = Triage(book=book)
        ownership = Ownership(book=book)
        after, grace = parts.claim, parts.claim_grace
        self._claims = Claims(book=book, ownership=ownership, after=after, grace=grace)
        lines = Lines(book=book, undo=timedelta(seconds=parts.undo_seconds))
        macros = Macros(words=words)
        templates = Templates(book=book, macros=macros, offers=parts.offers, undo=lines.undo)
        commands = Commands(
            ownership=ownership,
            lines=lines,
            changes=Changes(book=book, lines=lines, features=features),
            templates=templates,
            triage=self._triage,
            claims=self._claims,
            linking=Linking(book=book),
            clock=clock,
        )
        self.middleware: Sequence[Middleware] = [Contacts(store=store, book=book).notice]
        self.inbox = CoreDeskInbox(
            store=store,
            files=files,
            texts=texts,
            commands=commands,
            features=features,
            actions=actions,
            order_facts=parts.order_facts,
            expecting=expecting,
            summary=Summary(words=words, expecting=expecting),
            offered=macros,
            senders=Senders(tell=parts.senders),
            acting=Acting(
                store=store,
                book=book,
                actions=actions,
                words=words,
                order_facts=parts.order_facts,
            ),
        )

    @property
    def timers(self) -> Mapping[str, TimerHandler]:
        """Handlers of the timers of cases, by kind."""
        bounces = Bounces(book=self.handoff, triage=self._triage, claims=self._claims)
        return {
            SNOOZE: self._triage.fired,
            CLAIM: self._claims.fired,
            BOUNCED: bounces.fired,
        }

    def heard(self, tx: Tx, conversation: int) -> None:
        """The customer wrote while a person is asked for, or speaks."""
        self._triage.heard(tx, conversation)
        self._claims.heard(tx, conversation)
        self.inbox.senders.heard(tx, conversation, self.handoff)
