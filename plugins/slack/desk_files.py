"""Files of a case, both ways: streamed, within limits, and each only once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from bot.desk import HistoryLine
from bot.messages import Attachment
from bot.ports import Refused, Reject, Retry, Row, UnknownOutcome
from bot.store.codec import unstamp
from plugins.slack import blocks_lines
from plugins.slack import desk_ledger as ledger
from plugins.slack.app import Upload
from plugins.slack.desk_ledger import Place
from plugins.slack.errors import MEND_SECONDS, MENDABLE
from plugins.slack.kit import one_line
from plugins.slack.office import Office

log = logging.getLogger(__name__)
OWNER = "desk:slack"


async def send_files(office: Office, place: Place, line: HistoryLine) -> None:
    """Put the files of a line into the thread. Raises Retry."""
    files = list(line.attachments)
    if blocks_lines.is_long(line):
        name = f"{line.id.replace(':', '-')}.txt"
        whole = await office.commands.files.put_bytes(
            line.text.encode(), name=name, owner=f"case:{place.case}"
        )
        files.append(whole)
    for number, attachment in enumerate(files):
        if attachment.file is not None:
            await _send(office, place, f"file:{line.id}:{number}", attachment)


async def _send(office: Office, place: Place, key: str, attachment: Attachment) -> None:
    store = office.commands.store
    row = await store.read(lambda tx: ledger.post_of(tx, key))
    if row is not None and row["ts"]:
        return
    path = office.commands.files.path(attachment.file or "")
    if path is None:
        return  # expired; the line still says that there was one
    name = one_line(attachment.name) or "file"
    if row is not None and await _is_there(office, row, name):
        await store.write(lambda tx: ledger.posted(tx, key, "-", ""))
        return
    now = office.clock()
    try:
        stored = await office.app.store_file(Upload(path, name))
        await store.write(lambda tx: ledger.attempt(tx, key, place.channel, place.ts, now))
        await office.app.share(place.channel, place.ts, [(stored, name)])
    except UnknownOutcome as error:
        raise Retry(None, "vendor_unreachable") from error  # the next try looks for it first
    except Reject as refused:
        if refused.reason in MENDABLE:
            raise Retry(MEND_SECONDS, refused.reason) from refused
        log.warning("slack desk: no file", extra={"reason": refused.reason})
        shown = blocks_lines.file_missing(attachment, office.words)
        await office.posts.once(f"{key}:missing", shown, place.channel, place.ts)
        stored = "-"  # never, and the line must not wait for it
    found = stored
    await store.write(lambda tx: ledger.attempt(tx, key, place.channel, place.ts, now))
    await store.write(lambda tx: ledger.posted(tx, key, found, ""))


async def _is_there(office: Office, row: Row, name: str) -> bool:
    """Whether the bot shared a file of this name since it was about to."""
    me = await office.app.me()
    since = unstamp(row["at"])
    async for message in office.posts.messages(row["channel"], row["thread"], since):
        names = {str(one.get("name")) for one in message.get("files") or ()}
        if message.get("user") == me.user and name in names:
            return True
    return False


async def take_files(
    office: Office, files: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Attachment, ...], dict[str, str]]:
    """Fetch the files of an agent's message; those that cannot be taken, with the reason's code.

    Raises Retry.
    """
    taken, bad = [], {}
    for file in files:
        name = one_line(str(file.get("name") or file.get("title") or "file"))
        limit = office.settings.file_limit
        try:
            taken.append(
                await office.commands.files.put(
                    office.app.download(file, limit=limit), name=name, owner=OWNER, limit=limit
                )
            )
        except Refused as refused:
            bad[name] = refused.reason
    return tuple(taken), bad
