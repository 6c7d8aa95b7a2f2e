"""`gateway send`: send a message of one's own to a running gateway, as a records system would."""

import json as json_text
import ssl
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

import typer
from rich.markup import escape

from gateway.cli.run import EXIT_FINDINGS, EXIT_UNAVAILABLE, AsJson, answer, err, out
from gateway.config import LOOPBACK

ANSWER_BYTES_MAX = 1024 * 1024


def send(
    file: Annotated[Path, typer.Argument(help="The message, an XML file.", exists=True, dir_okay=False)],
    url: Annotated[str, typer.Option(envvar="GATEWAY_URL", help="The gateway's address.")] = "https://127.0.0.1:8443",
    token: Annotated[str, typer.Option(envvar="GATEWAY_TOKEN", help="The agency's bearer token.")] = "",
    certificate: Annotated[Path | None, typer.Option(help="The agency's client certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key (PEM).")] = None,
    ca: Annotated[Path | None, typer.Option(envvar="GATEWAY_CA", help="The gateway's authority (PEM).")] = None,
    id: Annotated[str, typer.Option(help="Your own id for the message; the same id is never delivered twice.")] = "",
    to: Annotated[list[str] | None, typer.Option("--to", help="Only to this agency; may be repeated.")] = None,
    correct: Annotated[str, typer.Option(help="This corrects the message with this id.")] = "",
    cancel: Annotated[str, typer.Option(help="This cancels the message with this id.")] = "",
    try_: Annotated[
        bool, typer.Option("--try", help="Only try it: say what each partner would receive; nothing is kept or sent.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Send one message and show the answer: who will get it, and the signed receipt.

    [bold]gateway send release.xml --url https://127.0.0.1:8443 --ca ca.pem --token gw_…[/]
    [bold]gateway send release.xml --try[/]
    """
    if correct and cancel:
        raise typer.BadParameter("a message corrects or cancels, not both")
    if try_ and (correct or cancel):
        raise typer.BadParameter("--try goes by what the message itself says: its action, and the earlier message's id")
    if not _is_safe(url):
        raise typer.BadParameter("the address is https://…; plain http only on loopback")
    act = f"/{quote(correct, safe='')}/correct" if correct else f"/{quote(cancel, safe='')}/cancel" if cancel else ""
    query = urlencode([("to", agency) for agency in to or ()])
    request = urllib.request.Request(  # noqa: S310  (the scheme was checked above)
        f"{url.rstrip('/')}/v1/{'sandbox/' if try_ else ''}messages{act}{'?' + query if query else ''}",
        data=file.read_bytes(),
        headers={
            "Content-Type": "application/xml",
            "Idempotency-Key": id or str(uuid.uuid4()),
            **({"Authorization": f"Bearer {token}"} if token else {}),
        },
    )
    status, body = _post(request, _context(url, ca, certificate, key))
    if json:
        answer({"status": status, **body})
    elif try_ and status < 300:
        _show_tried(body)
    else:
        _show(status, body)
    raise typer.Exit(0 if status < 300 else EXIT_FINDINGS if status < 500 else EXIT_UNAVAILABLE)


def _is_safe(url: str) -> bool:
    """Whether a token may go there."""
    try:
        address = urlsplit(url)
        return bool(address.hostname) and (
            address.scheme == "https" or (address.scheme == "http" and address.hostname in LOOPBACK)
        )
    except ValueError:
        return False


def _context(url: str, ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if not url.startswith("https://"):
        return None
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except OSError as error:
        raise typer.BadParameter(f"--ca {ca}: not a certificate in PEM form") from error
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, key)
        except OSError as error:
            raise typer.BadParameter(f"--certificate {certificate}, --key {key}: these do not load") from error
    return context


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A gateway never redirects; somebody who does would be handed the token and the message."""

    def redirect_request(self, *_: object) -> None:
        """Not followed: the answer counts as the error it is."""


def _post(request: urllib.request.Request, context: ssl.SSLContext | None) -> tuple[int, dict[str, Any]]:
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=60) as response:
            return response.status, json_text.loads(response.read(ANSWER_BYTES_MAX))
    except urllib.error.HTTPError as error:
        try:
            return error.code, json_text.loads(error.read(ANSWER_BYTES_MAX))
        except ValueError:
            return error.code, {"code": "gateway.error", "detail": "the answer is not JSON"}
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        err.print(f"[red]error[/] \\[gateway.unreachable] {request.full_url}: {reason}")
        raise typer.Exit(EXIT_UNAVAILABLE) from error


def _show(status: int, body: dict[str, Any]) -> None:
    if status >= 300:
        err.print(f"[bold red]refused[/] \\[{body.get('code')}] {body.get('detail') or body.get('title', '')}")
        for finding in body.get("findings", ()):
            place = f"line {finding['line']}: " if finding.get("line") else ""
            err.print(f"  {place}\\[{finding['code']}] {finding['path']} {finding['text']}")
        return
    out.print(f"[green]accepted[/] {body['id']} (your id {body['sender_id']})")
    for recipient in body["recipients"]:
        mark = "[green]→[/]" if recipient["outcome"] == "accepted" else "[red]✗[/]"
        out.print(f"  {mark} {recipient['agency']} {recipient.get('code') or ''}")
    out.print(body["receipt"], markup=False)


def _show_tried(body: dict[str, Any]) -> None:
    out.print(f"[green]valid[/] {body['exchange']}. Tried only: nothing was kept, shared or delivered.")
    for each in body["recipients"]:
        if each["code"]:
            out.print(f"  [red]✗[/] {each['agency']} {each['code']}")
            continue
        what = "only that the earlier message is void" if each["withdrawal"] else f"{each['shared']} places as they are"
        out.print(f"  [green]→[/] {each['agency']} by {each['mou']} {', '.join(each['clauses'])}: {what}")
        for word in ("reduced", "withheld"):
            if each[word]:
                labels = ", ".join(f"{label} {number}" for label, number in sorted(each[word].items()))
                out.print(f"      {word}: {escape(labels)}")
        if each["consent_decides"]:
            out.print("      Where the person consented law lets more go; consents are not asked here.")
    out.print("What each would get, as XML: add --json.")
