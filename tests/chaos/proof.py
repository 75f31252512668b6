"""What must hold afterwards, read from the bot's, the channel's and the shop's own records."""

from __future__ import annotations

from collections import Counter, defaultdict

from tests.chaos.load import Load
from tests.live.records import Records


def quiet(records: Records) -> bool:
    """Whether nothing waits any more."""
    (row,) = records.bot(
        "SELECT (SELECT count(*) FROM inbox WHERE status = 'pending')"
        " + (SELECT count(*) FROM turns WHERE status = 'frozen')"
        " + (SELECT count(*) FROM outbox WHERE op = 'send' AND state IN ('queued', 'sending'))"
        " AS waiting"
    )
    return int(row["waiting"]) == 0


def faults(records: Records, load: Load) -> list[str]:
    """Everything that is not as it must be; empty when all is well."""
    return [
        *_lost(records, load),
        *_sent_otherwise_than_once(records),
        *_out_of_order(records),
        *_side_effects(records, load),
    ]


def _lost(records: Records, load: Load) -> list[str]:
    rows = records.bot(
        "SELECT i.wire_id, i.status, i.conversation, t.status AS ended,"
        " (SELECT count(*) FROM outbox o WHERE o.turn = t.key AND o.op = 'send'"
        "  AND o.state IN ('sent', 'delivered', 'read')) AS said,"
        " (SELECT count(*) FROM cases k WHERE k.conversation = i.conversation) AS cases"
        " FROM inbox i LEFT JOIN turns t ON t.key = i.turn"
    )
    kept = {row["wire_id"].rpartition("/")[2]: row for row in rows}
    found = [f"accepted, but not kept: {one}" for one in load.accepted if one not in kept]
    for client_id, row in kept.items():
        answered = row["ended"] == "done" and row["said"]
        with_agent = row["cases"] and (row["status"] == "case" or row["ended"] == "handed")
        if not answered and not with_agent:
            found.append(f"not answered: {client_id} {row['status']} {row['ended']}")
    if len(kept) != len(rows):
        found.append(f"kept twice: {len(rows) - len(kept)}")
    return found


def _sent_otherwise_than_once(records: Records) -> list[str]:
    out = records.bot("SELECT out_id FROM web_messages WHERE direction = 'out'")
    shown = Counter(row["out_id"] for row in out)
    queued = records.bot(
        "SELECT id, state, turn, text FROM outbox WHERE op = 'send' AND target = 'channel:web'"
    )
    sent = {row["id"] for row in queued if row["state"] in ("sent", "delivered", "read")}
    found = [f"shown {number} times: {one}" for one, number in shown.items() if number != 1]
    found += [f"sent, but not shown: {one}" for one in sent - shown.keys()]
    found += [f"shown, but not noted as sent: {one}" for one in shown.keys() - sent]
    twice = Counter((row["turn"], row["text"]) for row in queued if row["turn"])
    found += [f"said {n} times in one turn: {key}" for key, n in twice.items() if n > 1]
    return found


def _out_of_order(records: Records) -> list[str]:
    """Turns follow the messages, and what is shown follows the turns."""
    found = []
    messages = records.bot(
        "SELECT i.conversation, i.id, t.rowid AS turn FROM inbox i JOIN turns t ON t.key = i.turn"
        " ORDER BY i.conversation, i.id"
    )
    newest: dict[int, int] = {}
    for row in messages:
        if row["turn"] < newest.get(row["conversation"], 0):
            found.append(f"turns out of order in conversation {row['conversation']}")
        newest[row["conversation"]] = row["turn"]
    shown = records.bot(
        "SELECT m.id, m.session, o.seq FROM web_messages m JOIN outbox o ON o.id = m.out_id"
        " ORDER BY m.session, m.id"
    )
    last: dict[str, int] = {}
    for row in shown:
        if row["seq"] < last.get(row["session"], 0):
            found.append(f"shown out of order: {row['id']}")
        last[row["session"]] = row["seq"]
    early = records.bot(
        "SELECT m.id FROM web_messages m JOIN outbox o ON o.id = m.out_id"
        " JOIN inbox i ON i.turn = o.turn"
        " JOIN web_messages q ON i.wire_id = q.session || '/' || q.client_id WHERE q.id > m.id"
    )
    return found + [f"answered before it was asked: {row['id']}" for row in early]


def _side_effects(records: Records, load: Load) -> list[str]:
    changes = defaultdict(list)
    for row in records.shop("SELECT key, number, kind FROM changes"):
        changes[row["number"]].append(row)
    labels = Counter(row["number"] for row in records.shop("SELECT number FROM labels"))
    consumed = {
        row["id"]: row for row in records.bot("SELECT * FROM proposals WHERE state = 'consumed'")
    }
    found = []
    for wish in load.wishes:
        done = [row["kind"] for row in changes.pop(wish.order, [])]
        if wish.told and done != [wish.kind]:
            found.append(f"{wish.order}: told that {wish.kind} is done, the shop has {done}")
        if len(done) > 1 or any(kind != wish.kind for kind in done):
            found.append(f"{wish.order}: wanted {wish.kind} once, the shop has {done}")
        if done and not wish.confirmed:
            found.append(f"{wish.order}: {done} without a yes")
        if labels[wish.order] > (wish.kind == "return"):
            found.append(f"{wish.order}: {labels[wish.order]} labels")
        if done == ["return"] and wish.told and labels[wish.order] != 1:
            found.append(f"{wish.order}: told of a label that is not there")
        if wish.detail and done and not records.street(wish.order).startswith(wish.detail + ","):
            found.append(f"{wish.order}: goes to {records.street(wish.order)}")
    found += [f"{number}: changed, and nobody wanted it" for number in changes]
    keys = {row["key"] for row in records.shop("SELECT key FROM changes")}
    found += [f"a change without a yes: {key}" for key in keys - consumed.keys()]
    open_calls = records.bot("SELECT turn, action FROM calls WHERE status = 'started'")
    return found + [f"started, and nobody knows the end: {row}" for row in open_calls]
