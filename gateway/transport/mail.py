"""Mail: alerts, one plain-text message to all, and heads of the log for those who keep them. Over TLS wherever the
server is not on this machine."""

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

_HEAD: Final = """\
The attached text is the signed head of the audit log of {gateway}: it had {size} entries.

Keep it. It says nothing of any record. Whoever has it can show later that the log was put back or rewritten:
gateway audit verify --checkpoint FILE, or the verifier of an evidence package with --earlier FILE.
"""


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
        message = self._message(self._post.to, subject(self._gateway, notices), now)
        message["Message-ID"] = f"<{notices[0].id}@{self._gateway}>"
        message.set_content(text(self._gateway, notices))
        return await self._send(message)

    async def give(self, note: bytes, *, size: int, to: Sequence[str], now: datetime) -> str:
        """Try once; "" when the server took it, else a code."""
        message = self._message(to, f"[{self._gateway}] head of the log, {size} entries", now)
        message["Message-ID"] = f"<head-{size}-{now:%Y%m%d%H%M%S%f}@{self._gateway}>"
        message.set_content(_HEAD.format(gateway=self._gateway, size=size))
        message.add_attachment(note, maintype="application", subtype="octet-stream", filename=f"{size:012d}.checkpoint")
        return await self._send(message)

    async def _send(self, message: EmailMessage) -> str:
        post = self._post
        try:
            await aiosmtplib.send(
                message,
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

    def _message(self, to: Sequence[str], about: str, now: datetime) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._post.sender, ", ".join(to), about
        message["Date"] = format_datetime(now)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nothing answers it by itself
        return message

    async def close(self) -> None:
        """Nothing is kept open."""
