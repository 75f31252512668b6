"""How mail programs of many languages say "wrote", "from", "original message" and "sent from".

Collected from the programs' own output (Outlook, Apple Mail, Gmail, GMX and WEB.DE, Thunderbird,
Yahoo, Proton, Samsung, K-9, Lotus Notes, Zoho ...). What is not in a list is still recognised where
dates, addresses and quote marks say enough: see :mod:`plugins.mail.quoting.lines`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_ANY = re.IGNORECASE | re.UNICODE
WROTE = re.compile(
    r"(?<!\w)(?:wrote|writes|said|says|schreibt|meinte|schrieb(?:en|st)?|geschrieben|a écrit"
    r"|écrivait|écrit|escribió|escrigué"
    r"|ha escrit|va escriure|escribiu|escreveu|ha scritto|scrive|schreef|geschreven|skrev|skreiv"
    r"|kirjoitti|napisał(?:a|\(a\))?|pisze|napsal(?:a|\(a\))?|napísal(?:a|\(a\))?|a scris|írta"
    r"|yazdı"
    r"|έγραψε|писал(?:а|\(а\))?|написал(?:а|\(а\))?|пишет|пише|написав(?:ла|\(ла\))?|написала"
    r"|писав|написа|је написао|је написала|je napisao(?:/la)?|je napisala|napisao je|je napisal/?a?"
    r"|rašė|rakstīja|kirjutas|skrifaði|đã viết|menulis|כתב|כתבה|כתב/ה|مكتب|كتب|كتبت|เขียน)(?!\w)"
    r"|写道|寫道|写入|님이 작성|작성|のメッセージ|書きました",
    _ANY,
)
"""The verb of an attribution."""

CITES = re.compile(
    r"(?:quoting|zitat von|mensaje citado por|citando(?: a)?|citazione di|citat(?:ion)? de|citerar"
    r"|citeert|cytowanie|cituji|lainaus|sitat)(?!\w)",
    _ANY,
)
"""Webmail that names somebody, and no day."""

TELLS = re.compile(
    r"(?<!\w)(?:ich|wir|mir|uns|i|we|my|our|your|the|his|her|ihre?[mnrs]?|mein\w{0,2}|unser\w{0,2}"
    r"|dein\w{0,2}"
    r"|sein\w{0,2}|eine?[mnrs]?|d(?:er|ie|as|em)(?= \D))(?!\w)",
    _ANY,
)
"""Somebody tells of a letter: a mail program, which knows only names, says none of these."""

SELF = re.compile(r"(?<!\w)(?:ich|wir|mir|uns|i|we|my|our)(?!\w)", _ANY)
"""Of these, the ones that are in no name of a shop."""

NEWS = re.compile(
    r"(?<!\w)(?:in (?:message|article|news)|im newsbeitrag|dans le message)(?!\w)", _ANY
)
"""Usenet: somebody wrote in message so and so."""

POSTED = re.compile(
    r"(?:posted|written|sent|geschrieben|gesendet|publié|publicado) (?:by|von|par|por) .{1,80} "
    r"(?:on|am|at|le|el) .{0,30}\d{1,4}[./-]\d{1,2}[./-]\d{2,4}.{0,20}$",
    _ANY,
)

LEADS = re.compile(
    r"(?:on|at|in (?:message|article)|am|den|der|le|il(?: giorno)?|el(?: d[ií]a)?|em|op|på|pe|în|la"
    r"|dne|dňa|dnia|w dniu|dana|dne|στις|в|у|на|tarihinde|vào|pada|kl|ngày|das?|a"
    r"|s|v)(?!\w)|[在于於]",
    _ANY,
)
"""What an attribution begins with, where it does not begin with a date or a name."""

_LABELS: Mapping[str, str] = {
    "from": (
        r"from|von|absender|de|da|van|afzender|från|fra|lähettäjä|od|nadawca|от(?: кого)?|від"
        r"|отправитель|expéditeur"
        r"|remitente|mittente|remetente|expeditor|de la|kimden|gönderen|feladó|από|发件人|發件人"
        r"|寄件者|差出人|送信者|보낸 사람|보낸사람|מאת|من"
    ),
    "sent": (
        r"sent|date|gesendet(?: am)?|datum|envoyé(?: le)?|enviad[oa](?: el| em)?|fecha|data"
        r"|inviato|verzonden"
        r"|skickat|sendt|dato|lähetetty|päivämäärä|päiväys|wysłan[eoy]|data wysłania|отправлено"
        r"|дата"
        r"|надіслано|odesláno|odoslané|trimis|gönderildi|gönderme tarihi|tarih|elküldve|dátum"
        r"|ημερομηνία|στάλθηκε|发送时间|發送時間|日期|时间|寄件日期|送信日時|日時|日付|보낸 날짜"
        r"|날짜"
        r"|נשלח|תאריך|التاريخ"
    ),
    "to": (
        r"to|an|empfänger|à|a|para|per|aan|till|til|vastaanottaja|do|кому|komu|către|catre|kime"
        r"|alıcı"
        r"|címzett|προς|收件人|宛先|받는 사람|받는사람|אל|إلى|destinataire|destinatario|pour"
    ),
    "subject": (
        r"subject|betreff|betrifft|objet|sujet|asunto|assunto|oggetto|onderwerp|ämne|emne|aihe"
        r"|temat"
        r"|тема|předmět|predmet|subiect|konu|tárgy|θέμα|主题|主題|件名|제목|נושא|الموضوع"
    ),
    "more": (
        r"cc|kopie|copie|cópia|copia|kopia|kopi|копия|копія|kopio|dw|抄送|副本|참조|bcc|bilgi"
        r"|másolatot kap"
        r"|reply-to|antwort an|répondre à|responder a|rispondi a|antwoord aan|svar till|svar til"
        r"|attachments?|anlagen?|anhänge?|importance|wichtigkeit|priorität|priority|organi[sz]ation"
        r"|message-id|cc\.?|kopie an|return-path|resent-[a-z]+|newsgroups|delivered-to|mailed-by"
        r"|signed-by"
    ),
}
_EACH = "|".join(f"(?P<{kind}>{words})" for kind, words in _LABELS.items())
LABEL = re.compile(
    rf"[*_ \t]{{0,4}}(?:{_EACH})[*_]{{0,2}}[ \t\u00a0]{{0,20}}[:：][*_]{{0,2}}", _ANY
)
"""A header's label at the beginning of a line; the group's name is its kind."""
LABELS_INSIDE = re.compile(rf"(?<![\w-])(?:{_EACH})[*_]{{0,2}}[ \t\u00a0]{{0,2}}[:：]", _ANY)
"""Labels anywhere: some programs put the whole block in one line."""

ORIGINAL = re.compile(
    r"origina|ursprüng|ursprung|d['’]origine|originel|oorspronkelijk|opprinnelig|oprindelig"
    r"|alkuperäi|oryginaln|исходн|оригинал|původní|pôvodn|orijinal|eredeti|αρχικό|原始|原邮件"
    r"|元のメッセージ|원본|antwort|reply|quoted",
    _ANY,
)
REPLY_ABOVE = re.compile(
    r"[ \t]{0,8}[^\w\s>]{1,20}[ \t]{0,4}(?:please |bitte )?(?:\w{1,12} ){0,4}"
    r"(?:above (?:this|the) line|(?:oberhalb|über) (?:dieser|diese|der) (?:zeile|linie))(?!\w)",
    _ANY,
)
"""The line that a help desk asks not to write below."""
FORWARDED = re.compile(
    r"weitergeleitet|weiterleitung|forwarded|transféré|réexpédié|reenviad|rinviat|inoltrat"
    r"|encaminhad|reencaminhad|doorgestuurd|vidarebefordra|videresend|videresendt|välitet"
    r"|przekaz|przesłan|пересыла|переслан|пересилан|переадрес|přeposl|preposlan|redirecționat"
    r"|iletilen|továbbított|προωθημένο|转发|轉寄|転送|전달",
    _ANY,
)
BEGINS_FORWARD = re.compile(
    r"[ \t]{0,8}(?:begin(?:n| of)?|anfang|beginn|début|inicio|inizio|início|początek|начало|start"
    r"|aloita"
    r"|vidarebefordrat|videresendt|fwd)(?!\w)[^:：]{0,60}[:：]?[ \t]*$",
    _ANY,
)

_DEVICES = (
    r"iphon[eu]|ipad|ipod|android|samsung|galaxy|handy|smartphone|mobil\w*|phone|telefon|tablet"
    r"|outlook"
    r"|blackberry|windows|huawei|xiaomi|nokia|htc|sony|lg|mail|gmail|yahoo|proton\w*|gmx|web\.de"
    r"|t-online|freenet|app|handheld|device|gerät|thunderbird|airmail|spark|nexus|pixel|oneplus|mi"
    r"|k-9"
    r"|fairemail|posteo|mailbox|aqua|tutanota|tuta|aol|typeapp|bluemail|boxer|nine|zoho|superhuman"
    r"|cell"
    r"|palm|treo|motorola|fairphone|mac|macbook|laptop|computer|watch|front|edison|newton|unterwegs"
)
DEVICE_LINE = re.compile(
    r"[ \t(\[_*~%<>—–-]{0,8}(?:"
    r"(?:sent|send) (?:from|via|with|by|using|on)(?!\w)"
    r"|get \[?(?:\w{1,20} ?){1,3}\]?(?:\([^()]{0,99}\))? ?"
    r"for (?:ios|android|iphone|mobile|windows|mac)\W*$|get \[?outlook for|(?:written|typed) on my"
    r"|(?:from|on) my (?:mobile|phone|cell|i(?:phone|pad|pod))"
    r"|(?:\S{1,30} ){0,3}from (?:my )?(?:mobile|phone|iphone|ipad)\W{0,6}$"
    r"|(?:\S{1,30} ){0,2}vom (?:handy|smartphone|iphone|ipad|tablet)(?: gesendet"
    r"| verschickt)?[ .!)]{0,6}$"
    r"|(?:von|aus|mit) (?:mein(?:em|er)|der|dem|samsung|iphone|ipad|unterwegs|huawei)[^.!?]{0,60}"
    r"(?:gesendet|geschickt|verschickt)"
    r"|gesendet (?:von|mit|aus|via|über|unterwegs)(?!\w)|verschickt (?:von|mit)|geschickt von"
    r"|diese (?:nachricht|e-?mail|mail) wurde (?:von|mit|über) [^!?]{0,80}(?:gesendet|geschickt"
    r"|verschickt)"
    r"|holen sie sich outlook|\[?outlook (?:für|for) (?:ios|android)"
    r"|envoyé (?:de|depuis|à partir de|avec|par)(?!\w)|obtenir \[?outlook|télécharger outlook"
    r"|enviado (?:desde|do|de|a partir|con|com|via|por)(?!\w)|obtener \[?outlook|obter o outlook"
    r"|inviato (?:da|dal|dall['’]|con|tramite)|ottieni \[?outlook|scarica outlook"
    r"|(?:verzonden|verstuurd) (?:vanaf|vanuit|met|via|van)(?!\w)|outlook voor"
    r"|skicka(?:t|des) från|hämta \[?outlook|sendt fra|sendt med|hent \[?outlook|få \[?outlook"
    r"|lähetetty (?!:)|hanki \[?outlook|wysłan[eoy] z(?!\w)|pobierz \[?outlook"
    r"|отправлено (?:с|из|от|через)(?!\w)|надіслано (?:з|із|від)(?!\w)|odesláno z|odoslané z"
    r"|získat \[?outlook"
    r"|trimis (?:de pe|din|prin)|elküldve (?:az? )?|küldve (?:az? )?|στάλθηκε από"
    r"|发自|發自|[來来]自我的|[从從]我的|我的 ?\w{1,20} ?(?:发送|發送|傳送)"
    r"|\w{1,20}から送信|나의 \w{1,20}에서"
    r"|\w{1,20}(?:'|’)?(?:umdan|imden|den|dan) gönderildi|(?:please )?excuse (?:any |my )?(?:typos"
    r"|brevity)"
    r")",
    _ANY,
)
"""The line that a phone or a mail program adds of its own."""
DEVICE = re.compile(
    rf"(?<!\w)(?:{_DEVICES})(?:s|\w{{0,3}})?(?!\w)|https?://|www\.|手机|手機|iphone|(?:sent"
    rf"|send) from my",
    _ANY,
)
"""One of these must be in it: "Gesendet von meinem Nachbarn" is a sentence of a customer's."""

NO_DEVICE = re.compile(
    r"(?<!\w)(?:ich|ihnen|nicht|kein\w*|aber|dhl|ups|hermes|dpd|gls|paket\w*|päckchen|bestell\w*"
    r"|parcel\w*|package\w*|orders?|tracking|never|royal mail)(?!\w)|\?",
    _ANY,
)
"""A customer who tells of what was sent; a program says none of these."""

CONCERN = re.compile(
    r"(?<!\w)(?:bestell|auftrag|kunden(?:nummer|-?nr)|vorgang|sendung|artikel|order|invoice"
    r"|customer n|ticket|tracking)[^\d\n]{0,30}\d"
    r"|(?<!\w)(?:rechnungs|liefer)(?:adresse|anschrift)"
    r"|(?<!\w)(?:billing|delivery|shipping|invoice) address|(?<!\w)p\.?s\.?[ \t]{0,2}:",
    _ANY,
)
"""What a mail is about: a stretch with one of these is no mere signature."""

LEGAL = re.compile(
    r"(?:this|the) (?:(?:e-?mail|message|communication|transmission|information)(?:,? (?:message"
    r"|transmission))?"
    r"|(?:contents? of|information (?:contained )?in) this (?:e-?mail|message))[^.]{0,120}"
    r"(?:confidential|privileged|intended (?:only|solely|for)|addressee|virus)"
    r"|(?:confidentiality|legal|privacy) (?:notice|note|disclaimer)|disclaimer(?!\w)"
    r"|if you are not the intended recipient"
    r"|please consider the environment|think before (?:you )?print"
    r"|diese (?:e-?mail|nachricht|mail|information(?:en)?)[^.]{0,120}(?:vertraulich"
    r"|ausschließlich für|rechtlich geschützt|virenfrei|auf viren)"
    r"|der inhalt dieser (?:e-?mail|nachricht)|vertraulichkeitshinweis|rechtlicher hinweis"
    r"|haftungsausschluss"
    r"|(?:bitte )?(?:denken sie|denk)[^.]{0,40}umwelt"
    r"|(?:bitte )?prüfen sie[^.]{0,80}(?:ausgedruckt|ausdruck)"
    r"|wenn sie nicht der (?:richtige|beabsichtigte|vorgesehene) (?:adressat|empfänger)"
    r"|sollten sie nicht der (?:richtige|beabsichtigte|vorgesehene)"
    r"|virenfrei\.|virus-free\.|diese e-?mail wurde (?:von|auf) [^.]{0,40}(?:viren|antivirus|avast)"
    r"|this email has been checked for viruses|pflichtangaben(?!\w)|informationen zum datenschutz"
    r"|ce (?:message|courriel|mail)[^.]{0,120}confidentiel|este (?:mensaje|correo"
    r"|e-?mail)[^.]{0,120}confidencial"
    r"|questo messaggio[^.]{0,120}(?:riservat|confidenzial)|dit (?:bericht"
    r"|e-?mail)[^.]{0,120}vertrouwelijk",
    _ANY,
)
"""Where a legal note begins."""

CLOSING = re.compile(
    r"[ \t]{0,4}(?:mit (?:den )?(?:freundlich|best|herzlich|lieb|vielen"
    r"|sonnig)\w*(?: (?:und \w+ )?grü(?:ß|ss)\w*)?"
    r"|(?:viele|liebe|beste|herzliche|schöne|freundliche|sonnige|nette)(?: \w+)? grü(?:ß|ss)e"
    r"|(?:lieben|schönen|besten|herzlichen) gru(?:ß|ss)"
    r"|grü(?:ß|ss)e|gru(?:ß|ss)|hochachtungsvoll|mfg|lg|vg|bg|hg"
    r"|(?:best|kind|warm|many|with (?:best|kind|warm))(?: \w+)? (?:regards|wishes)|regards|best"
    r"|cheers|sincerely|yours(?: \w+)?"
    r"|thanks(?: \w+){0,3}|thank you|cordialement|bien à vous|saludos|cordiali saluti"
    r"|met vriendelijke groet\w*"
    r"|vänliga hälsningar|med vennlig hilsen|med venlig hilsen|pozdrawiam"
    r"|с уважением)[ \t,.!]{0,4}(?=$|[A-ZÄÖÜ]\w+(?: \w+){0,2}[ \t]*$)",
    re.IGNORECASE,
)
"""The line with which somebody ends what they write."""

COMPANY: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, _ANY)
    for pattern in (
        r"(?<!\w)(?:tel(?:efon|\.)?|phone|fon|mobil(?:e|\.)?|fax"
        r"|handy)[ \t]{0,3}[.:]?[ \t]{0,3}[+(0-9]|(?<!\w)[tfm]:[ \t]{0,3}[+(0]",
        r"(?:https?://|(?<!\w)www\.)\S",
        r"[^\s<>@]{1,64}@[^\s<>@]{1,190}",
        r"(?<!\w)(?:gmbh|ag|kg|ohg|ug|gbr|e\.k\.|e\.v\.|se|ltd|inc|llc|b\.v\.|s\.a\.)(?!\w)",
        r"(?<!\w)(?:geschäftsführ\w*|vorstand|aufsichtsrat\w*|registergericht|amtsgericht|hrb|hra"
        r"|ust-?id\w*"
        r"|steuernummer|sitz der gesellschaft|handelsregister|managing director|registered (?:in"
        r"|office)|vat)(?!\w)",
    )
)
"""Signs of a company's signature; two of them make one."""
