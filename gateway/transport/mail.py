"""Alerts by mail: one plain-text message to all, over TLS wherever the server is not on this machine."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

import aiosmtplib

from gateway.alert.alert import Notice
from gateway.alert.words import subject, text
from gateway.transport.tls import Trust, client_context

DEADLINE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A mail server, and who writes to whom. security: starttls, tls, or none."""

    host: str
    port: int
    security: str
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: bytes = field(default=b"", repr=False)
    authorities: bytes = field(default=b"", repr=False)


class MailWay:
    """A mail server. With starttls a server that does not offer it gets nothing: no message and no password."""

    name = "mail"

    def __init__(self, post: Post, *, gateway: str, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._post, self._gateway, self._deadline = post, gateway, deadline_seconds

    async def tell(self, notices: Sequence[Notice], *, now: datetime) -> str:
        """Try once; "" when the server took it, else a code."""
        post = self._post
        try:
            await aiosmtplib.send(
                self._message(notices, now),
                hostname=post.host,
                port=post.port,
                username=post.user or None,
                password=post.password.decode() or None,
                use_tls=post.security == "tls",
                start_tls=post.security == "starttls",
                tls_context=self._context() if post.security != "none" else None,
                timeout=self._deadline,
                local_hostname=self._gateway,
            )
        except aiosmtplib.SMTPResponseException as error:
            return f"alerts.smtp-{error.code}"
        except (aiosmtplib.SMTPTimeoutError, TimeoutError):
            return "alerts.time-out"
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return "alerts.certificate-untrusted" if isinstance(error.__cause__, ssl.SSLError) else "alerts.no-answer"
        return ""

    def _context(self) -> ssl.SSLContext:
        context = client_context(Trust(authorities=self._post.authorities, system=True))
        context.set_alpn_protocols(["smtp"])
        return context

    def _message(self, notices: Sequence[Notice], now: datetime) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self._post.sender, ", ".join(self._post.to)
        message["Subject"] = subject(self._gateway, notices)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{notices[0].id}@{self._gateway}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nothing answers it by itself
        message.set_content(text(self._gateway, notices))
        return message

    async def close(self) -> None:
        """Nothing is kept open."""
