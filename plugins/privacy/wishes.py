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


_DATA = (
    r"(?:daten|angaben|infos?|informationen|data|info|information|details|records?|stuff|report"
    r"|correspondence|schriftverkehr|verlauf|history)"
)
_ME = (
    r"(?:über mich|ueber mich|von mir|zu mir|zu meiner person|about me|on me|of mine|of me"
    r"|from me|me on file)"
)
_KEEP = (
    r"(?:gespeichert|speicher\w*|erfasst\w*|vorlieg\w*|lieg(?:en|t)|hab(?:t|en|ts)|hast|kennt|wisst"
    r"|wissen|weißt|weisst|steht|stehen|verarbeite\w*|gesammelt|sammel\w*|hold|have|has|got|kept|keep"
    r"|stored?|saved?|know|collect\w*|process|recorded|is with you|(?:is|are) in your)"
)
_WHAT = r"\b(?:was|welche\w*|what|which|alles|alle infos|everything|all the info)\b"
_ERASE = re.compile(
    r"(?:ge)?lösch|loesch|entfern|vernicht|\btilg|beseitig|vergessen ?werden|verg(?:iss|esst) "
    r"|artikel 17|art\.? ?17|datenbank(?:en)? (?:\w+ ){0,2}(?:raus|heraus|verschwinden)"
    r"|daten weg\b|weg mit mein|keine (?:\w+ )?daten mehr|aus (?:dem|eurem|ihrem) system nehmen"
    r"|\b(?:del(?:e|i)?te?|remov|eras|purg|wip(?:e|ing)|destroy|expung)|forgotten"
    r"|forget (?:me|about me|everything|all)|article 17|take out|get rid of|gone from your"
    r"|out of your (?:database|system|records)|scrub|stored any ?more",
    re.IGNORECASE,
)
_EXPORT = re.compile(
    r"auskunft|datenkopie|artikel 15|art\.? ?15|article 15|(?:data )?subject access|\bdsar\b"
    r"|right of access|access request|kopie|\bcopy\b|export|herunterlad|runterlad|download"
    r"|als datei|as a file|als csv|as csv|portab|datenübertrag|mitnehmen|protokoll aller"
    r"|log of everything|einsicht in meine|daten anfordern|übersicht (?:über )?meiner"
    r"|overview of my|inspect the file|ask for my (?:personal )?data|information on stored data"
    r"|\bgimme my|report of the personal"
    r"|(?:schick|send|gib\b|gebt mir|geben sie mir|give me|zeig|show|get|bekomm|krieg|zusend"
    r"|zukommen|hätte|haette|i'd like|i would like|provide|einsehen|request|see)\w*\b"
    rf".{{0,40}}\b(?:meine\w*|my|alle|all|the|your?)\b.{{0,25}}{_DATA}"
    rf"|{_WHAT}.{{0,50}}{_KEEP}.{{0,40}}{_ME}|{_WHAT}.{{0,50}}{_ME}.{{0,40}}{_KEEP}"
    r"|welche meiner daten|which of my data",
    re.IGNORECASE,
)
_ASKS = re.compile(  # how it is done in general, and what must not be done
    r"\b(?:wann|wie lange|wie lang|ab wann|when|how long|how soon)\b"
    r"|nicht (?:ge)?lösch|lösch\w* (?:\w+ ){0,4}(?:nicht|keine)\b|(?:don'?t|do not|not|never) "
    r"(?:be )?(?:delet|remov|eras)\w*"
    r"|\b(?:löscht|löschen) (?:ihr|sie) .{0,40}(?:automatisch|irgendwann|von selbst|eigentlich)"
    r"|\bdo you (?:ever |automatically )*(?:delete|erase|remove)\b|datenschutzerkl|privacy policy"
    r"|privacy notice|\bcookies?\b|\bhow (?:do )?you (?:protect|handle|use|process|treat)"
    r"|\bweiter(?:geb|gegeben|gibt|leit)|\bgebt (?:ihr|sie) .{0,30}weiter|\bschuf|rechtsgrundlage"
    r"|legal ground|berichtig|rectif",
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
