"""What a person in the simulated Slack sees: messages, with what can be pressed under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plugins.slack.testing_blocks import elements_of
from plugins.slack.testing_text import mentions, unescape
from plugins.slack.testing_world import Raw, World


@dataclass(frozen=True, eq=False)
class Message:
    """A message as it is now; it follows edits."""

    world: World
    channel: str
    ts: str
    first: Raw
    """As it was when it was seen first."""
    ephemeral: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and (self.channel, self.ts) == (other.channel, other.ts)

    def __hash__(self) -> int:
        return hash((self.channel, self.ts))

    @property
    def raw(self) -> Raw:
        """As Slack has it; the last known state of one that was deleted."""
        channel = self.world.channels.get(self.channel)
        kept = channel.messages.get(self.ts) if channel else None
        return self.first if kept is None else kept

    @property
    def deleted(self) -> bool:
        """Whether it is gone."""
        if self.ephemeral:
            return bool(self.first.get("deleted"))
        channel = self.world.channels.get(self.channel)
        kept = channel.messages.get(self.ts) if channel else None
        return kept is None or kept.get("subtype") == "tombstone"

    @property
    def text(self) -> str:
        """The text of a person's message; the notification's of one that has blocks."""
        return unescape(str(self.raw.get("text", "")))

    @property
    def words(self) -> str:
        """Everything that can be read on the screen: its blocks, or else its text."""
        return words_of(self.raw)

    @property
    def user(self) -> str:
        """Who wrote it."""
        return str(self.raw.get("user", ""))

    @property
    def by_bot(self) -> bool:
        """Whether the app wrote it."""
        return bool(self.raw.get("bot_id") == self.world.bot_id)

    @property
    def thread(self) -> str:
        """The timestamp of the message that it is a reply to; its own otherwise."""
        return str(self.raw.get("thread_ts", self.ts))

    @property
    def buttons(self) -> tuple[str, ...]:
        """The words on its buttons, and the texts of its menus' options."""
        return tuple(title for _, element in elements(self.raw) for title in titles(element))

    @property
    def action_ids(self) -> tuple[str, ...]:
        """The actions of what can be pressed."""
        return tuple(element["action_id"] for _, element in elements(self.raw))

    @property
    def reactions(self) -> dict[str, list[str]]:
        """Reactions, each with the ids of the users who gave it."""
        return {one["name"]: list(one["users"]) for one in self.raw.get("reactions", ())}

    def reactions_of(self, user: str) -> list[str]:
        """The reactions of one user, in the order in which they were given."""
        return [name for name, users in self.reactions.items() if user in users]

    @property
    def bot_reactions(self) -> list[str]:
        """The app's reactions, oldest first."""
        return self.reactions_of(self.world.bot_user)

    @property
    def files(self) -> list[tuple[str, bytes]]:
        """Names and contents of the files on it."""
        kept = [self.world.files[one["id"]] for one in self.raw.get("files", ())]
        return [(one.name, one.data or b"") for one in kept]

    @property
    def calls(self) -> tuple[str, ...]:
        """Whom its text and its blocks call: ``@U...``, ``!channel``, ``!here``."""
        return mentions("\n".join([str(self.raw.get("text", "")), *map(str, _markup(self.raw))]))

    @property
    def metadata(self) -> Any:
        """What was posted with it and nobody sees."""
        return self.raw.get("metadata")

    def __repr__(self) -> str:
        return f"Message({self.ts}, {self.words!r}, buttons={self.buttons})"


def words_of(raw: Raw) -> str:
    """Everything that can be read in a message or a view, line by line."""
    lines = [_plain(block) for block in blocks_of(raw)]
    lines += [unescape(str(one["text"])) for one in raw.get("attachments", ()) if one.get("text")]
    # Slack shows the text of a message only when there are no blocks on the same level.
    if not raw.get("blocks") and raw.get("text"):
        lines.insert(0, unescape(str(raw["text"])))
    return "\n".join(line for line in lines if line)


def blocks_of(raw: Raw) -> Iterator[Raw]:
    """All blocks, those of attachments too."""
    yield from raw.get("blocks") or ()
    for attachment in raw.get("attachments") or ():
        yield from attachment.get("blocks") or ()


def elements(raw: Raw) -> Iterator[tuple[Raw, Raw]]:
    """Each thing that can be used in a message or a view, after its block."""
    for block in blocks_of(raw):
        for element in elements_of(block):
            if element["type"] != "image":
                yield block, element


def titles(element: Raw) -> list[str]:
    """What can be read on an element: a button's words, or a menu's options."""
    if element["type"] == "button":
        return [element["text"]["text"]]
    return [option["text"]["text"] for option in options(element)]


def options(element: Raw) -> list[Raw]:
    """The options of a menu, those in groups too."""
    grouped = (group["options"] for group in element.get("option_groups") or ())
    return [*element.get("options", ()), *(option for group in grouped for option in group)]


def _plain(block: Raw) -> str:
    """The words of one block, without those of buttons and menus."""
    kind = block["type"]
    if kind == "rich_text":
        return _rich(block)
    if kind == "markdown":
        return str(block["text"])
    parts = [block.get("text"), block.get("title"), block.get("label"), *block.get("fields", ())]
    if kind == "context":
        parts += [one for one in block["elements"] if one["type"] != "image"]
    parts += [block.get("hint")]
    return "\n".join(unescape(part["text"]) for part in parts if part)


def _rich(node: Raw) -> str:
    if "elements" in node:
        return "".join(_rich(one) for one in node["elements"])
    named = {"user": "user_id", "channel": "channel_id", "broadcast": "range", "emoji": "name"}
    if node["type"] in named:
        return f"@{node[named[node['type']]]}"
    return str(node.get("text") or node.get("url") or "")


def _markup(raw: Raw) -> Iterator[str]:
    """All mrkdwn texts: only there a mention is one."""
    for block in blocks_of(raw):
        parts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
        for part in parts:
            if isinstance(part, dict) and part.get("type") == "mrkdwn":
                yield part["text"]
