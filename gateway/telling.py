"""The ways by which alerts are told, out of the settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config import Settings, SettingsRefused, secret_of
from gateway.transport.interface import GiveHead, Tell

if TYPE_CHECKING:
    from gateway.transport.mail import MailWay


def ways_of(made: Settings) -> Sequence[Tell]:
    """Webhook and mail, as far as they are set. Raises `SettingsRefused` when a secret or certificate is unreadable."""
    ways: list[Tell] = []
    if made.alerts.webhook.url:
        ways.append(_webhook(made))
    if made.alerts.mail.host:
        ways.append(_mail(made))
    return tuple(ways)


def _webhook(made: Settings) -> Tell:
    from gateway.transport.webhook import WebhookWay  # noqa: PLC0415  (loaded where it is set)

    webhook = made.alerts.webhook
    return WebhookWay(
        webhook.url,
        secret_of(webhook.secret, webhook.secret_file, made.directory),
        gateway=made.name,
        private_network=webhook.private_network,
        authorities=_pem(webhook.authorities, made.directory),
    )


def mail_of_heads(made: Settings) -> GiveHead | None:
    """The mail server, when heads of the log go by mail. Raises as `ways_of`."""
    if not made.witness.mail:
        return None
    if not made.alerts.mail.host:
        raise SettingsRefused("witness.mail: heads go by the server of alerts.mail, and none is set")
    return _mail(made)


def _mail(made: Settings) -> "MailWay":
    from gateway.transport.mail import MailWay, Post  # noqa: PLC0415  (loaded where it is set)

    mail = made.alerts.mail
    post = Post(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        sender=mail.sender or "",
        to=mail.to,
        user=mail.user,
        password=secret_of(mail.password, mail.password_file, made.directory),
        authorities=_pem(mail.authorities, made.directory),
    )
    return MailWay(post, gateway=made.name)


def _pem(file: Path | None, directory: Path) -> bytes:
    if file is None:
        return b""
    try:
        return (directory / file).read_bytes()
    except OSError as error:
        raise SettingsRefused(f"{directory / file}: the certificates cannot be read: {error.strerror}") from error
