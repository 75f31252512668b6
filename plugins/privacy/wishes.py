"""What somebody wants who writes about their data: a copy, to have it erased, or an answer.

The model tells that a message is about data protection. Which of the three it is decides what is
done, so rules decide it, which can be read; what they do not see for sure gets the answer, with a
button for each wish under it.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Wish(StrEnum):
    """What is wanted. The values are what buttons carry."""

    EXPORT = "export"
    ERASE = "erase"
    ANSWER = "answer"


_ERASE = re.compile(
    r"(?:ge)?lösch|loesch|entfern|vernicht|\btilg|beseitig|vergessen ?werden|vergesst mich"
    r"|artikel 17|art\.? ?17|datenbank (?:\w+ ){0,2}(?:raus|heraus)|weg mit mein"
    r"|\b(?:delet|remov|eras|purg|wip(?:e|ing)|destroy|expung)|forgotten|forget (?:me|about me)"
    r"|article 17|take out|get rid of|out of your (?:database|system|records)|scrub",
    re.IGNORECASE,
)
_DATA = r"(?:daten|angaben|infos?|informationen|data|info|information|details|records?|stuff|file)"
_ME = r"(?:über mich|ueber mich|von mir|zu mir|zu meiner person|about me|on me|of mine|of me)"
_KEEP = (
    r"(?:gespeichert|speicher\w*|erfasst\w*|vorlieg\w*|lieg(?:en|t)|hab(?:t|en|ts)|hast|kennt|wisst"
    r"|wissen|hold|have|has|got|kept|keep|stored?|saved?|know|collect\w*|is with you)"
)
_EXPORT = re.compile(
    r"auskunft|datenkopie|artikel 15|art\.? ?15|article 15|(?:data )?subject access|\bdsar\b"
    r"|right of access|access request|kopie|\bcopy\b|export|herunterlad|runterlad|download"
    r"|als datei|as a file|portab|datenübertrag|mitnehmen|protokoll aller|log of everything"
    rf"|(?:schick|send|gib|gebt|give|zeig|show|get|bekomm|krieg|zusend|zukommen|hätte|haette|like)"
    rf"\w*\b.{{0,40}}\b(?:meine|my|alle|all)\b.{{0,25}}{_DATA}"
    rf"|\b(?:was|welche\w*|what|which)\b.{{0,50}}{_KEEP}.{{0,40}}{_ME}"
    rf"|\b(?:was|welche\w*|what|which)\b.{{0,50}}{_ME}.{{0,40}}{_KEEP}",
    re.IGNORECASE,
)
_ASKS = re.compile(  # how it is done in general, and what must not be done
    r"\b(?:wann|wie lange|wie lang|ab wann|when|how long|how soon)\b"
    r"|nicht (?:ge)?lösch|lösch\w* (?:\w+ ){0,4}(?:nicht|keine)\b|(?:don'?t|do not|not|never) "
    r"(?:be )?(?:delet|remov|eras)\w*"
    r"|\b(?:löscht|löschen) (?:ihr|sie) .{0,40}(?:automatisch|irgendwann|von selbst|eigentlich)"
    r"|\bdo you (?:ever |automatically )*(?:delete|erase|remove)\b|datenschutzerkl|privacy policy"
    r"|privacy notice|\bcookies?\b",
    re.IGNORECASE,
)
_OTHERS = re.compile(  # somebody else's data
    r"\bkunde[n]? \w|\bcustomer \w|verstorben|deceased|passed away"
    r"|\bmeine[rsnm]* (?:mutter|vater|frau|mann|oma|opa|tochter|sohn|bruder|schwester|freund\w*"
    r"|eltern|chef\w*)\b|\bmy (?:mother|father|mum|mom|dad|wife|husband|son|daughter|brother"
    r"|sister|friend|boss|parents|gran\w*)\b|\bihrer? mitarbeiter",
    re.IGNORECASE,
)


def read(text: str) -> Wish:
    """The wish of a message that is about data protection."""
    if _ASKS.search(text) or _OTHERS.search(text):
        return Wish.ANSWER
    if _ERASE.search(text):
        return Wish.ERASE
    return Wish.EXPORT if _EXPORT.search(text) else Wish.ANSWER
