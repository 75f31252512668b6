"""Reports that a mail of ours did not arrive: by RFC 3464, and as mail systems write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from plugins.mail.model import Bounce, Mail
from plugins.mail.parsing.kinds import from_daemon

_READ = 20_000  # characters of a report without fields that are read

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.:-])([45])[0-5]\d(?=[ -])")
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_ORIGINAL = re.compile(  # of a line its beginning: what is sought there comes early or not at all
    r"^(?:-{2,}+.{0,200}?(?:copy\s+of\s+(?:the|your)|below\s+this\s+line|original|returned|urspr).*|Return-Path:.*"
    r"|Received:\s+(?:from|by).*|(?:Original|Urspr\w*)\s+(?:message|nachricht|mail)\s+(?:headers|kopf).*"
    r"|_{10,})$",
    re.I | re.M,
)
_MESSAGE_ID = re.compile(r"^[> \t]*Message-ID:\s*<([^<>\s]{3,500})>", re.I | re.M)
_FAILED = re.compile(
    r"(?:could|can|cannot|can't|was|were|is|has|have)\s*(?:not|n't)?\s*(?:be|been)?\s*(?:not\s+)?"
    r"(?:delivered|undeliverable)|undeliver(?:able|ed)|delivery\s+(?:has\s+)?(?:to\s.{0,200})?fail"
    r"|failure\s+notice|returned\s+(?:mail|to\s+sender)|unable\s+to\s+(?:deliver|relay)"
    r"|able\s+to\s+deliver|permanent\s+(?:fatal\s+)?error|address\s+not\s+found|user\s+unknown"
    r"|message\s+(?:was\s+)?(?:not\s+delivered|blocked|rejected)|unknown\s+user"
    r"|recipient\s+(?:address\s+)?(?:was\s+)?(?:rejected|not\s+found)|over\s*quota|not\s+listed\s+in"
    r"|mailbox\s+(?:is\s+)?(?:full|unavailable|not\s+found)"
    r"|nicht\s+(?:zugestellt|zustellbar|zustellen|ausgeliefert|[üu]bermittelt)|unzustellbar"
    r"|fehler\s+bei\s+der\s+(?:nachrichten)?zustellung|annahme\s+verweigert"
    r"|(?:zustellung|[üu]bermittlung).{0,200}(?:fehlgeschlagen|gescheitert|nicht\s+m[öo]glich)"
    r"|empf[äa]nger.{0,80}(?:abgelehnt|existiert\s+nicht|unbekannt)"
    r"|postfach\s.{0,40}(?:voll|[üu]berf[üu]llt|existiert\s+nicht)",
    re.I | re.S,
)
_DELAYED = re.compile(
    r"(?:has\s+been|is|was|message|delivery|mail)\s+(?:temporarily\s+)?delayed|noch\s+nicht\s+zugestellt"
    r"|delayed\s+(?:mail|delivery)|still\s+(?:being\s+)?(?:retr|try)|not\s+yet\s+been\s+delivered"
    r"|will\s+(?:be\s+retried|(?:keep|continue)\s+(?:on\s+)?trying|retry)|delivery\s+incomplete"
    r"|not\s+need\s+to\s+(?:resend|do\s+anything)|warning:\s+could\s+not\s+send|verz[öo]gert"
    r"|weiterhin\s+versucht|weitere\s+(?:zustell)?versuche|erneut\s+versucht",
    re.I,
)
_GIVEN_UP = re.compile(
    r"given\s+up|giving\s+up|permanent|will\s+not\s+be\s+retried|no\s+further|too\s+long"
    r"|endg[üu]ltig|aufgegeben|keine\s+weiteren",
    re.I,
)
_REASONS = {  # by the words of servers; the first that is found
    "mailbox_full": (
        r"quota|mailbox\s+(?:is\s+)?full|full\s+mailbox|postfach.{0,40}voll|[üu]berf[üu]llt"
    ),
    "too_big": r"too\s+(?:big|large)|size\s+(?:limit|exceed)|exceeds?.{0,30}size|zu\s+gro(?:ß|ss)",
    "domain_unknown": (
        r"host\s+(?:or\s+domain\s+name\s+)?(?:unknown|not\s+found)|domain\s+(?:not\s+found|unknown)"
        r"|unrouteable|nxdomain|no\s+such\s+domain|name\s+service\s+error|\bdns\b"
    ),
    "mailbox_unknown": (
        r"user\s+unknown|unknown\s+user|no\s+such\s+(?:user|mailbox|recipient|address)"
        r"|does\s*(?:n.t|\s+not)\s+exist|address\s+not\s+found|mailbox\s+(?:unavailable|not\s+found)"
        r"|recipient\s+(?:not\s+found|rejected|unknown)|not\s+listed|invalid\s+(?:recipient|mailbox)"
        r"|existiert\s+nicht|unbekannt|recipientnotfound|wurde\s+nicht\s+gefunden|couldn.t\s+be\s+found"
    ),
    "mailbox_disabled": r"disabled|inactive|deactivated|suspended|deaktiviert|gesperrt",
    "refused": (
        r"spam|blocked|blacklist|policy|reject|refused|denied|not\s+(?:permitted|allowed|authorized)"
        r"|dmarc|\bspf\b|abgelehnt|verweigert"
    ),
    "unreachable": r"timed?\s*out|connect(?:ion)?\s|too\s+long|expired|nicht\s+erreichbar",
}
_BY_WORDS = {reason: re.compile(words, re.I) for reason, words in _REASONS.items()}
_BY_STATUS = {  # class and detail of RFC 3463
    "mailbox_unknown": ("1.1", "1.3", "1.6", "1.10"),
    "domain_unknown": ("1.2", "4.4"),
    "mailbox_full": ("2.2",),
    "mailbox_disabled": ("2.1",),
    "too_big": ("2.3", "3.4"),
    "unreachable": ("4.1", "4.2", "4.7"),
}


def bounce(mail: Mail) -> Bounce | None:
    """What a mail system says about a mail of ours, or ``None`` if that is not what this mail is.

    A customer's mail that quotes or forwards such a report is none. Nothing in a report is proven:
    it counts only for a message whose Message-ID we know, and that went to this recipient.
    """
    if mail.report and (
        "multipart/report" in mail.header("content-type").lower() or from_daemon(mail)
    ):
        found = _fielded(mail)
        if found is not None or any(
            "action" in fields or "status" in fields for fields in mail.report
        ):
            return found
    return _written(mail) if from_daemon(mail) or mail.header("x-failed-recipients") else None


def _fielded(mail: Mail) -> Bounce | None:
    """Of a report with fields: the first recipient that failed, else the first that waits."""
    late: Bounce | None = None
    for fields in mail.report:
        action = fields.get("action", "").strip().lower()
        said = fields.get("status", "") + " " + fields.get("diagnostic-code", "")
        status = _status(said)
        if not action and "final-recipient" in fields:
            action = {"5": "failed", "4": "delayed"}.get(status[:1], "")
        if action not in ("failed", "failure", "fail", "delayed"):
            continue
        who = _recipient(fields)
        final = action != "delayed"
        found = Bounce(
            _message_ids(mail), who, status, final, _reason(status, _flat(said + mail.text[:_READ]))
        )
        if final:
            return found
        late = late or found
    return late


def _flat(text: str) -> str:
    """With single blanks: the time that the patterns take grows with the longest run of them."""
    return " ".join(text.split())


def _recipient(fields: Mapping[str, str]) -> str:
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        if match := _ADDRESS.search(fields.get(name, "").partition(";")[2] or fields.get(name, "")):
            return match[0]
    return ""


def _written(mail: Mail) -> Bounce | None:
    """Of a report in words only."""
    original = _ORIGINAL.search(mail.text)
    said = mail.text[: original.start() if original else None][:_READ]
    if not said.strip():
        said = mail.text[:_READ]
    whole = _flat(f"{mail.subject}\n{said}")
    late = bool(_DELAYED.search(whole)) and not _GIVEN_UP.search(whole)
    if not late and not _FAILED.search(whole) and not mail.header("x-failed-recipients"):
        return None
    status = _status(said)
    ids = _message_ids(mail)
    return Bounce(ids, _written_recipient(mail, said), status, not late, _reason(status, whole))


def _written_recipient(mail: Mail, said: str) -> str:
    if match := _ADDRESS.search(mail.header("x-failed-recipients")):
        return match[0]
    ours = {person.email.lower() for person in (mail.sender, *mail.to)}
    found = [
        match[0]
        for match in _ADDRESS.finditer(said)
        if match[0].lower() not in ours
        and not match[0].lower().startswith(("postmaster@", "mailer-daemon@", "abuse@", "support@"))
        and not said[: match.start()]
        .rstrip(" <")
        .lower()
        .endswith(("from", "message-id:", "absender:"))
    ]
    if mail.returned and (match := _ADDRESS.search(mail.returned.get("to", ""))):
        sent = match[0]
        if not found or sent.lower() in {each.lower() for each in found}:
            return sent
    return found[0] if found else ""


def _message_ids(mail: Mail) -> tuple[str, ...]:
    found: list[str] = []
    if mail.returned:
        found += re.findall(r"<([^<>\s]+)>", mail.returned.get("message-id", ""))
    for fields in mail.report:
        found += re.findall(r"<([^<>\s]+)>", fields.get("x-original-message-id", ""))
    found += re.findall(r"<([^<>\s]+)>", mail.header("x-original-message-id"))
    found += _MESSAGE_ID.findall(mail.text)[:5]
    found += [*mail.in_reply_to, *reversed(mail.references)]
    return tuple(dict.fromkeys(found))


def _status(text: str) -> str:
    """The most telling status in a text: not ``5.0.0`` if there is another one."""
    every: list[str] = _STATUS.findall(text)
    for status in every:
        if not status.endswith(".0.0"):
            return status
    if every:
        return every[0]
    code = _CODE.search(text)
    return f"{code[1]}.0.0" if code else ""


def _reason(status: str, text: str) -> str:
    for reason, known in _BY_STATUS.items():
        if status[2:] in known:
            return reason
    for reason, pattern in _BY_WORDS.items():
        if pattern.search(text):
            return reason
    return "refused" if status[2:].startswith("7.") else "other"
