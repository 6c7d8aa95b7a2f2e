"""A pretended mail server: enough of SMTP (RFC 5321) to take a message, over TLS or not."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """What it does is changed by assignment; what it got is in its lists."""

    port: int = 0
    offers_tls: bool = True
    refuses: str = ""
    silent: bool = False
    context: ssl.SSLContext | None = None
    messages: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            if self.silent:
                await reader.read()
                return
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 pretended ESMTP")
        while line := (await reader.readline()).decode().strip():
            word = line.split(" ")[0].upper()
            secure = writer.get_extra_info("ssl_object") is not None
            if word == "EHLO":
                say("250-pretended")
                if self.offers_tls and not secure and self.context is not None:
                    say("250-STARTTLS")
                say("250 AUTH PLAIN")
            elif word == "STARTTLS":
                say("220 go ahead")
                await writer.drain()
                await writer.start_tls(self.context)  # type: ignore[arg-type]
            elif word == "AUTH":
                self.passwords.append(line)
                say("235 known")
            elif word == "RCPT":
                self.recipients.append(line.partition(":")[2])
                say(self.refuses or "250 ok")
            elif word == "DATA":
                say("354 go on")
                await writer.drain()
                body = await reader.readuntil(b"\r\n.\r\n")
                self.messages.append(body.decode())
                self.encrypted.append(secure)
                say("250 taken")
            elif word == "QUIT":
                say("221 bye")
                await writer.drain()
                return
            else:
                say("250 ok")
            await writer.drain()


@asynccontextmanager
async def mail_server(context: ssl.SSLContext | None = None, *, tls: bool = False) -> AsyncIterator[MailServer]:
    """A server on loopback. tls: from the first byte on, instead of by STARTTLS."""
    made = MailServer(context=None if tls else context)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context if tls else None)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
