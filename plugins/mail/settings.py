"""`[plugins.mail]`: mailboxes, how mails come in and go out, and whom to believe about senders."""

from __future__ import annotations

import re
import ssl
from collections import Counter
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from plugins.mail.addresses import is_address, normal

Tls = Literal["implicit", "starttls", "none"]
_HOST = r"^[A-Za-z0-9.:_-]+$"
_MIB = 1024 * 1024
_TOKEN_URLS = {
    "microsoft": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    "google": "https://oauth2.googleapis.com/token",
}
# learn.microsoft.com: "Authenticate an IMAP, POP or SMTP connection using OAuth"
_MICROSOFT = "https://outlook.office.com/"
_SCOPES = {
    ("microsoft", "client_credentials"): "https://outlook.office365.com/.default",
    ("microsoft", "refresh_token"): (
        f"{_MICROSOFT}IMAP.AccessAsUser.All {_MICROSOFT}SMTP.Send offline_access"
    ),
}


def _an_address(value: str) -> str:
    if not is_address(value):
        raise ValueError("is not an e-mail address, such as support@shop.example")
    return normal(value)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: the only one that may be spoken to in plain text."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


Email = Annotated[str, AfterValidator(_an_address)]
Host = Annotated[str, StringConstraints(pattern=_HOST, to_lower=True)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,19}$")]
Folder = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(_Table):
    """Where a server listens."""

    host: Host = Field(description="The server's name: imap.provider.example")
    port: int | None = Field(None, ge=1, le=65535, description="Default: the usual one for tls")
    tls: Tls = Field("implicit", description="none only for this machine's own server")
    ca_file: Path | None = Field(
        None, description="Certificates to trust in place of the system's: for a server of your own"
    )

    @model_validator(mode="after")
    def _no_password_in_plain_text(self) -> Self:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError("tls = 'none' is only for a server on this machine")
        return self

    def trust(self) -> ssl.SSLContext:
        """Checks the server's certificate and name. Raises OSError without a readable ca_file."""
        return ssl.create_default_context(cafile=self.ca_file)


class ImapServer(Server):
    """Where mails are read."""

    @property
    def at(self) -> int:
        """The port."""
        return self.port or (993 if self.tls == "implicit" else 143)


class SmtpServer(Server):
    """Where mails are handed in."""

    @property
    def at(self) -> int:
        """The port."""
        return self.port or (465 if self.tls == "implicit" else 587)


class OAuth(_Table):
    """Tokens in place of a password (XOAUTH2)."""

    provider: Literal["microsoft", "google", "other"] = Field(description="Who gives the tokens")
    grant: Literal["refresh_token", "client_credentials"] = Field(
        "refresh_token", description="client_credentials: an app of Microsoft's without a person"
    )
    client_id: str = Field(min_length=1, description="The app's id at the provider")
    tenant: str = Field(
        "", pattern=r"^[A-Za-z0-9.-]*$", description="Of Microsoft 365: its id or domain"
    )
    token_url: str | None = Field(
        None, pattern=r"^https?://\S+$", description="Only for provider 'other'"
    )
    scope: str | None = Field(None, description="Default: what IMAP and SMTP need at the provider")
    secret_expires: date | None = Field(
        None, description="The day on which the client secret dies, as the provider shows it"
    )
    warn_days: int = Field(14, ge=1, le=180, description="Days before it that operators are told")

    @model_validator(mode="after")
    def _fits_the_provider(self) -> Self:
        if self.provider == "microsoft" and not self.tenant:
            raise ValueError("provider 'microsoft' needs tenant")
        if self.provider == "google" and self.grant == "client_credentials":
            raise ValueError("Google has no client_credentials for mail: use 'refresh_token'")
        if self.provider == "other" and (self.token_url is None or self.scope is None):
            raise ValueError("provider 'other' needs token_url and scope")
        if self.token_url is not None:
            host = re.sub(r"^https?://|[:/].*$", "", self.token_url)
            if self.token_url.startswith("http:") and not is_loopback(host):
                raise ValueError("token_url must be https")
        return self

    @property
    def url(self) -> str:
        """The token endpoint."""
        return self.token_url or _TOKEN_URLS[self.provider].format(tenant=self.tenant)

    @property
    def scopes(self) -> str:
        """What is asked for; Google takes it from the refresh token."""
        return self.scope or _SCOPES.get((self.provider, self.grant), "")


class Mailbox(_Table):
    """One mailbox: its address, its servers, its login."""

    name: Word = Field(description="Of small letters and digits; its secrets are named after it")
    address: Email = Field(description="The address that answers come from")
    from_name: str = Field("", max_length=80, description="The name beside the address")
    aliases: tuple[Email, ...] = Field((), description="Its other addresses")
    signature: str = Field(
        "", max_length=2000, description="Below every mail: the company's details, as the law asks"
    )
    imap: ImapServer = Field(description="Where mails are read")
    smtp: SmtpServer = Field(description="Where mails are handed in")
    user: str | None = Field(None, description="The login's name; default: the address")
    password: SecretStr | None = Field(None, description="The login's password")
    smtp_user: str | None = Field(None, description="Default: as at IMAP")
    smtp_password: SecretStr | None = Field(None, description="Default: as at IMAP")
    oauth: OAuth | None = Field(None, description="A table makes tokens replace the password")
    client_secret: SecretStr | None = Field(None, description="The app's secret at the provider")
    refresh_token: SecretStr | None = Field(None, description="From the app's consent page")
    folders: tuple[Folder, ...] = Field(
        ("INBOX",), min_length=1, description="Folders that are read"
    )
    archive: Folder | None = Field(
        None, description="A folder that read mails are moved to; default: they stay"
    )
    mark_seen: bool = Field(True, description="Mark what was imported as read")
    since: date | None = Field(
        None, description="At the first start import what came from this day on; default: new only"
    )
    idle: bool = Field(True, description="Wait for news (IDLE) where the server can; else poll")
    receiver: Literal["standard", "google", "microsoft365"] = Field(
        "standard", description="Where the receiving server writes its Authentication-Results"
    )
    authserv_ids: tuple[Host, ...] = Field(
        (), description="The ids under which the receiving server writes them; none: no proof"
    )
    received_by: tuple[Host, ...] = Field(
        (), description="Own servers that mails pass after it: hosts, or .domain for all of one"
    )

    @model_validator(mode="after")
    def _has_one_login(self) -> Self:
        prefix = f"SCHALTER_MAIL_{self.name.upper()}"
        if self.oauth is None:
            if self.password is None:
                raise ValueError(
                    f"needs {prefix}_PASSWORD in the environment or in .env, or a table oauth"
                )
            if self.client_secret or self.refresh_token:
                raise ValueError("client_secret and refresh_token belong to a table oauth")
            return self
        if self.password is not None or self.smtp_password is not None:
            raise ValueError("has a password and a table oauth: take one away")
        if self.oauth.grant == "refresh_token" and self.refresh_token is None:
            raise ValueError(f"needs {prefix}_REFRESH_TOKEN in the environment or in .env")
        if self.client_secret is None and self.oauth.grant == "client_credentials":
            raise ValueError(f"needs {prefix}_CLIENT_SECRET in the environment or in .env")
        return self

    @model_validator(mode="after")
    def _archive_is_not_read(self) -> Self:
        if self.archive in self.folders:
            raise ValueError("archive is one of the folders that are read")
        if len(set(self.folders)) < len(self.folders):
            raise ValueError("a folder is named twice")
        return self

    @property
    def login(self) -> str:
        """The user's name at IMAP."""
        return self.user or self.address

    @property
    def own(self) -> frozenset[str]:
        """Its addresses."""
        return frozenset({self.address, *self.aliases})


class MailSettings(_Table):
    """What the channel goes by."""

    mailboxes: tuple[Mailbox, ...] = Field(
        min_length=1, description="At least one, each in a table [[plugins.mail.mailboxes]]"
    )
    forms: tuple[Email, ...] = Field(
        (), description="Senders of the shop's contact forms: answers go to their Reply-To"
    )
    lists: tuple[str, ...] = Field(
        (), description="List-Ids of addresses of the shop's own that are groups: no mailing lists"
    )
    max_bytes: int = Field(
        25 * _MIB, ge=100_000, le=200 * _MIB, description="Larger mails are read in part only"
    )
    send_bytes: int = Field(
        20 * _MIB, ge=100_000, le=200 * _MIB, description="The largest mail that is sent, encoded"
    )
    poll_seconds: float = Field(
        60.0, ge=1, le=3600, description="Seconds between two looks where there is no IDLE"
    )
    idle_minutes: float = Field(
        5.0, gt=0, le=29, description="Minutes after which IDLE ends and the folder is looked at"
    )
    quiet_seconds: float = Field(
        300.0, ge=1, description="Seconds without a working connection until /health is red"
    )
    timeout: float = Field(30.0, gt=0, le=300, description="Seconds for a server to answer")
    burst_seconds: float = Field(5.0, ge=0, le=60, description="Mails within it are one turn")
    session_days: float = Field(
        14.0, gt=0, le=90, description="Days that a question or a read-back waits for its answer"
    )
    certainty: float = Field(
        0.8,
        ge=0,
        le=1,
        description="Below it an answer is a draft, and the customer gets a receipt",
    )
    automatic_per_day: int = Field(
        15, ge=0, le=100, description="Answers of no person that a thread gets within 24 hours"
    )
    threads_per_day: int = Field(
        20, ge=1, le=1000, description="Threads of one sender within 24 hours that the bot answers"
    )

    @model_validator(mode="after")
    def _mailboxes_differ(self) -> Self:
        for what, values in (
            ("name", [one.name for one in self.mailboxes]),
            ("address", [email for one in self.mailboxes for email in one.own]),
        ):
            twice = [value for value, count in Counter(values).items() if count > 1]
            if twice:
                raise ValueError(f"two mailboxes have the {what} '{twice[0]}'")
        if self.own & set(self.forms):
            raise ValueError("a mailbox's own address cannot be one of forms")
        return self

    @property
    def own(self) -> frozenset[str]:
        """The addresses of all mailboxes."""
        return frozenset().union(*(one.own for one in self.mailboxes))

    def mailbox(self, name: str) -> Mailbox | None:
        """A mailbox by its name."""
        return next((one for one in self.mailboxes if one.name == name), None)
