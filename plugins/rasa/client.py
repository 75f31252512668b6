"""Asks Rasa for the answer to a turn, over the HTTP API of our own input channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from bot.messages import Answer, Author, Button, Outcome, Say, Turn
from bot.ports import Unavailable
from bot.store import codec
from plugins.rasa.evaluation import Guess

TURN = "webhooks/schalter/turn"
PARSE = "webhooks/schalter/parse"
_PARSE_BATCH = 500
_MOST_INCOMPLETE = 3
# What ends a turn outweighs what merely went well, when several actions answer in one turn.
_WEIGHT = {
    Outcome.DONE: 0,
    Outcome.ASK: 1,
    Outcome.REFUSED: 2,
    Outcome.FAILED: 3,
    Outcome.HANDOFF: 4,
}


class RasaClient:
    """Speaks to one Rasa server.

    ``carried`` are the slots that go along into a new session; everything else a form gathered is
    over with it.
    """

    def __init__(self, session: aiohttp.ClientSession, carried: frozenset[str]) -> None:
        self._session = session
        self._carried = carried

    async def ask(self, turn: Turn, url: str, token: str) -> Answer:
        """Ask one turn. Raises Unavailable when there is no whole answer.

        Rasa says ``incomplete`` for a turn that it saw but that did not end whole; the same row is
        then asked in a new tracker, seeded from the last turn that did.
        """
        state = dict(turn.state or {})
        generation = int(state.pop("generation", 0))
        if turn.resumed:
            state = self._resumed(state)
        for more in range(_MOST_INCOMPLETE):
            body = _body(turn, state, generation + more)
            data = await post(self._session, f"{url.rstrip('/')}/{TURN}", token, body)
            if data.get("status") == "done":
                return _answer(data, generation + more)
        raise Unavailable("rasa does not end this turn")

    def _resumed(self, state: Mapping[str, Any]) -> dict[str, Any]:
        slots = state.get("slots") or {}
        return {"slots": {name: slots[name] for name in slots if name in self._carried}}


async def parse(
    session: aiohttp.ClientSession, url: str, token: str, texts: Sequence[str]
) -> list[Guess]:
    """What the model makes of texts, outside of any conversation. Raises Unavailable."""
    guesses: list[Guess] = []
    for start in range(0, len(texts), _PARSE_BATCH):
        batch = {"texts": list(texts[start : start + _PARSE_BATCH])}
        data = await post(session, f"{url.rstrip('/')}/{PARSE}", token, batch)
        for result in data.get("results") or ():
            ranking = result.get("ranking") or [{"intent": result.get("intent")}]
            guesses.append(Guess(codec.understanding_from_dict(result), ranking[0]["intent"]))
    return guesses


async def post(
    session: aiohttp.ClientSession, url: str, token: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Ask our channel of a Rasa; its answer. Raises Unavailable."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with session.post(url, json=body, headers=headers) as response:
            if response.status != 200:
                raise Unavailable(f"rasa answered {response.status}")
            data = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unavailable(f"rasa cannot be reached: {type(error).__name__}") from error
    if not isinstance(data, dict):
        raise Unavailable("rasa answered something else than an object")
    return data


def _body(turn: Turn, state: Mapping[str, Any], generation: int) -> dict[str, Any]:
    return {
        "turn": turn.key,
        "sender": f"{turn.conversation}.{turn.session}.{generation}",
        "text": turn.text,
        "payload": turn.payload,
        "language": turn.language,
        "state": {key: value for key, value in state.items() if value is not None},
        "history": [_past(past.by, past.text) for past in turn.history],
    }


def _past(by: Author, text: str) -> dict[str, str]:
    return {"by": Author.BOT.value if by is Author.SYSTEM else by.value, "text": text}


def _answer(data: Mapping[str, Any], generation: int) -> Answer:
    says: list[Say] = []
    outcome, reason, effect = Outcome.DONE, None, False
    for reply in data.get("replies") or ():
        if "answer" not in reply:
            says.append(_say(reply))
            continue
        part = codec.answer_from_dict(reply["answer"])
        says += part.says
        effect = effect or part.effect
        if _WEIGHT[part.outcome] >= _WEIGHT[outcome]:
            outcome, reason = part.outcome, part.reason
    return Answer(
        says=tuple(says),
        outcome=outcome,
        reason=reason,
        effect=effect,
        understanding=codec.understanding_from_dict(data),
        state={**(data.get("state") or {}), "generation": generation},
    )


def _say(reply: Mapping[str, Any]) -> Say:
    buttons = tuple(
        Button(str(button.get("title", "")), str(button.get("payload", "")))
        for button in reply.get("buttons") or ()
    )
    if reply.get("response"):
        facts = codec.unpack(reply.get("facts") or {})
        return Say(response=str(reply["response"]), facts=facts, buttons=buttons)
    return Say(text=str(reply.get("text") or ""), buttons=buttons)
