"""Mails that no person wrote: nobody answers them, so that no two machines talk to each other."""

from __future__ import annotations

import re
from collections.abc import Collection

from plugins.mail.model import OWN_HEADER, Mail

_DAEMONS = re.compile(
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|maildaemon|mdaemon|postmaster|mail[-_.]?delivery"
    r"[-_.]?(?:sub)?system|mmdf|uucp|bounces?(?:[-+=].*)?)(?:@|$)",
    re.I,
)
_NOBODY = re.compile(
    r"(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|dont[-_.]?reply|nicht[-_.]?antworten|keine[-_.]?antwort"
    r"|notifications?|auto[-_.]?(?:reply|responder|confirm))[^@]{0,40}@",
    re.I,
)
# Said to be one by its subject; what a person may write, too, needs the text to agree.
_SURE_SUBJECT = re.compile(
    r"(?:(?:re|aw|wg|antw|fw|fwd)\s*:\s*)*[\[(*]*\s*(?:"
    r"automatic\s+(?:reply|response)|automated\s+(?:reply|response)|auto(?:matic)?[-\s]?(?:reply|responder|response)\b"
    r"|automatische\s+(?:antwort|r[üu]e?ckmeldung|r[üu]e?ckantwort|abwesenheits\w*|empfangsbest[äa]e?tigung"
    r"|eingangsbest[äa]e?tigung)|automatisch\s+(?:erzeugte|generierte)\s+antwort|auto(?:m\.)?[-\s]?antwort\b"
    r"|abwesenheits(?:notiz|meldung|nachricht|info|information|assistent|benachrichtigung|mitteilung|antwort)"
    r"|out[-\s]of[-\s](?:the[-\s])?office(?:\s+(?:auto\w*|reply|notification|message|response|assistant))?\s*(?::|$|[\])*-])"
    r"|r[ée]ponse\s+automatique|risposta\s+automatica|respuesta\s+autom[áa]tica|resposta\s+autom[áa]tica"
    r"|automatisch\s+antwoord|automatyczna\s+odpowied|automatisk?t?\s+svar|autosvar|otomatik\s+yan[ıi]t"
    r"|автоматический\s+ответ|автоответ|自動回复|自动答复|自动回复|自動返信"
    r"|(?:vacation|holiday)\s+(?:auto\w*|reply|response|notice|message)|urlaubs(?:notiz|meldung|nachricht)\b)",
    re.I,
)
_LIKELY_SUBJECT = re.compile(
    r"\s*(?:(?:re|aw|antw)\s*:\s*)*(?:(?:ich\s+bin\s+)?(?:z\.?\s?zt\.?\s+|derzeit\s+|zurzeit\s+|momentan\s+|aktuell\s+)?"
    r"(?:abwesen(?:d|heit)|au(?:ß|ss)er\s+haus|nicht\s+im\s+(?:b[üu]e?ro|haus)|im\s+urlaub|urlaub)"
    r"|out\s+of\s+(?:the\s+)?office|ooo\b|on\s+(?:vacation|holiday|leave)|vacation|away\b)",
    re.I,
)
_AWAY = (
    re.compile(
        r"(?:ich\s+bin|bin\s+ich|ich\s+befinde|befinde\s+ich|wir\s+sind).{0,80}(?:nicht\s+im\s+(?:b[üu]ro|haus)|au(?:ß|ss)er\s+haus"
        r"|abwesend|(?:im|in)\s+(?:\w+\s+)?urlaub|elternzeit|nicht\s+(?:erreichbar|am\s+platz))"
        r"|(?:i\s+am|i'm|i\s+will\s+be|we\s+are).{0,60}(?:out\s+of\s+(?:the\s+)?office|on\s+(?:vacation|holiday|leave|parental)"
        r"|away\s+from|currently\s+away)",
        re.I | re.S,
    ),
    re.compile(
        r"wieder\s+(?:erreichbar|im\s+b[üu]ro|f[üu]r\s+sie\s+da|zur[üu]ck|da\b|im\s+haus)|(?:in\s+)?dringende[nr]?\s+(?:f[äa]lle|angelegenheit)"
        r"|nicht\s+(?:weitergeleitet|gelesen)|nach\s+meiner\s+r[üu]ckkehr|meine\s+vertretung|vertritt\s+mich|eingeschr[äa]nkt(?:en)?\s+zugriff"
        r"|(?:back|return(?:ing)?)\s+(?:in\s+the\s+office|on|at\s+work)|in\s+urgent\s+cases|for\s+urgent|limited\s+access|upon\s+my\s+return"
        r"|not\s+be\s+forwarded|as\s+soon\s+as\s+i\s+(?:return|am\s+back)",
        re.I,
    ),
)
# What a customer is away from is a parcel; machines do not know of any.
_CONCERN = re.compile(
    r"paket|p[äa]ckchen|liefer|bestell|sendung|retour|zustell|rechnung|erstattung"
    r"|\border|parcel|package|deliver|refund|invoice|shipment",
    re.I,
)
_SELF_SAID = re.compile(
    r"(?:dies|das)\s+ist\s+eine\s+automatisch\w*\s+(?:\w+\s+)?(?:antwort|nachricht|e-?mail|mitteilung|benachrichtigung)"
    r"|diese\s+(?:e-?mail|nachricht|antwort)\s+wurde\s+(?:automatisch|maschinell)"
    r"|this\s+is\s+an\s+(?:automatic|automated|auto)[-\w]*\s+(?:reply|response|message|e-?mail|notification)"
    r"|this\s+(?:e-?mail|message|reply)\s+(?:was|has\s+been)\s+(?:automatically|auto-?)\s*(?:generated|sent)",
    re.I,
)
_RECEIPT = re.compile(
    r"\s*(?:gelesen|read|not\s+read|ungelesen|lesebest[äa]tigung|return\s+receipt\b.{0,20}|lu)\s*:",
    re.I,
)
_RECEIPT_TEXT = re.compile(
    r"wurde\s+am\s.{0,80}gelesen|was\s+read\s+on|lesebest[äa]tigung|return\s+receipt|ohne\s+gelesen\s+zu\s+werden|deleted\s+without\s+being\s+read",
    re.I | re.S,
)
_AUTOMATIC = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-autoreply-from",
    "x-mail-autoreply",
)
UNSURE = frozenset({"bulk", "list", "no_reply", "forwarded"})
"""Codes of what a person may have written all the same: nobody answers it unseen."""
_SUBJECT = 500  # characters of it that are looked at
_OWN = 3000  # characters of a text in which a machine says what it is
_QUOTED = re.compile(
    r"^(?:>|_{10,}|-{3,}\s*(?:urspr|original)|(?:am|on)\s.{5,200}(?:schrieb|wrote)|von:\s|from:\s)",
    re.I | re.M,
)


def automatic(mail: Mail, lists: Collection[str] = (), own: Collection[str] = ()) -> str | None:
    """Why nobody is to answer it, as a short code; ``None`` if a person seems to have written it.

    ``lists``: the List-Ids by which a shop's own address is a list; mails of customers come by it.
    ``own``: the shop's addresses, from which a rule may send them on. Codes: own, report, receipt,
    feedback, calendar, auto_reply, auto_generated, no_sender, daemon, and those of :data:`UNSURE`.
    """
    if mail.header(OWN_HEADER):
        return "own"
    for rule in (_reported, _declared, _sent_by_machine):
        if found := rule(mail):
            return found
    if _reads_automatic(mail):
        return "auto_reply"
    if _listed(mail, lists):
        return "list"
    if _wants_no_answer(mail):
        return "bulk"
    # Exchange names the mailboxes whose rules sent it on, or answered with it.
    by_rule = {value.strip().lower() for value in mail.all("x-ms-exchange-inbox-rules-loop")}
    return "forwarded" if by_rule - set(own) else None


def from_daemon(mail: Mail) -> bool:
    """Whether a mail system sent it, by what customers' mails do not have."""
    return _no_return(mail) or bool(_DAEMONS.match(mail.sender.email))


def _no_return(mail: Mail) -> bool:
    return any("".join(value.split()) in ("<>", "") for value in mail.all("return-path")[:1])


def _reported(mail: Mail) -> str | None:
    kind = mail.header("content-type").lower()
    for fields in mail.report:
        if "disposition" in fields:
            return "receipt"
    if "multipart/report" in kind:
        if "disposition-notification" in kind:
            return "receipt"
        return "feedback" if "feedback-report" in kind else "report"
    if _RECEIPT.match(mail.subject[:_SUBJECT]) and _RECEIPT_TEXT.search(mail.text[:2000]):
        return "receipt"
    return "calendar" if mail.calendar in ("REPLY", "COUNTER") else None


def _declared(mail: Mail) -> str | None:
    submitted = mail.header("auto-submitted").strip().lower()
    if submitted and submitted.split(";")[0].strip() != "no":
        return "auto_generated" if submitted.startswith("auto-generated") else "auto_reply"
    for name in _AUTOMATIC:
        if any(value.strip().lower() not in ("no", "false", "0") for value in mail.all(name)):
            return "auto_reply"
    if mail.header("x-failed-recipients"):
        return "report"
    return "auto_reply" if _precedence(mail) & {"auto_reply", "auto-reply"} else None


def _precedence(mail: Mail) -> set[str]:
    return {value.strip().lower() for value in mail.all("precedence")}


def _wants_no_answer(mail: Mail) -> bool:
    """Whether its headers ask machines not to answer, whoever wrote it."""
    suppress = mail.header("x-auto-response-suppress").lower()
    if "all" in suppress.replace(",", " ").split():
        return True
    if "oof" in suppress and "autoreply" in suppress:
        return True
    return bool(mail.all("x-loop")) or not _precedence(mail).isdisjoint({"bulk", "junk"})


def _sent_by_machine(mail: Mail) -> str | None:
    if _no_return(mail):
        return "no_sender"
    answered = any(person.email.lower() != mail.sender.email.lower() for person in mail.reply_to)
    if _DAEMONS.match(mail.sender.email):
        return "daemon"
    # The contact form of a shop writes from such an address, and names the customer to be answered.
    return "no_reply" if _NOBODY.match(mail.sender.email) and not answered else None


def _listed(mail: Mail, lists: Collection[str]) -> bool:
    ours = {each.strip("<>").lower() for each in lists}
    named = {
        match[1].lower() if (match := re.search(r"<([^<>]*)>", value)) else value.strip().lower()
        for value in mail.all("list-id")
    }
    if named & ours:
        return False
    if named or any(value.strip().lower() == "list" for value in mail.all("precedence")):
        return True
    names = (
        "list-unsubscribe",
        "list-post",
        "list-help",
        "list-owner",
        "list-archive",
        "mailing-list",
    )
    return any(mail.header(name) for name in names)


def _reads_automatic(mail: Mail) -> bool:
    subject = mail.subject[:_SUBJECT]
    if _SURE_SUBJECT.match(subject):
        return True
    start = mail.text[:_OWN]
    quoted = _QUOTED.search(start)
    own = start[: quoted.start() if quoted else None]
    if _SELF_SAID.search(own):
        return True
    away = all(pattern.search(own) for pattern in _AWAY) and not _CONCERN.search(own)
    answers = bool(mail.in_reply_to or mail.references)
    return away and (bool(_LIKELY_SUBJECT.match(subject)) or (answers and own.count("?") == 0))
