"""`gateway agency test`: can it be reached, and would we take what it shows?"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.asking import connections_of
from gateway.cli.run import EXIT_FINDINGS, EXIT_OK, EXIT_UNAVAILABLE, AsJson, Directory, answer, out, run
from gateway.exchange.gateway import Gateway
from gateway.exchange.probing import Looked, agency_of, is_pushed, judge_certificate, look_at_inbox, probe_endpoint
from gateway.transport.probe_words import Said, Tried

_MARKS = {Tried.GOOD: "[green]   ok[/]", Tried.WRONG: "[bold red]wrong[/]", Tried.AWAY: "[yellow] away[/]"}
_EXITS = {Tried.GOOD: EXIT_OK, Tried.WRONG: EXIT_FINDINGS, Tried.AWAY: EXIT_UNAVAILABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One step, or one thing that was looked at."""

    name: str
    tried: Tried
    text: str
    code: str

    def show(self) -> None:
        """For people."""
        code = f" \\[{self.code}]" if self.code else ""
        out.print(f"{_MARKS[self.tried]}  {self.name:<12} {escape(self.text)}{code}")


def try_agency(
    id: Annotated[str, typer.Argument(help="The agency's id, such as millbrook-police.")],
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--certificate",
            help="Judge this certificate (PEM, others may follow it) as if the agency showed it; nothing is sent.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Try the way to an agency, step by step, and say what is wrong and who mends it.

    To one that deliveries are pushed to: the address, its name, the connection, TLS with our client certificate, and a
    signed ping, over the connections that deliveries go by. The ping carries no record: a system that does not know
    it answers with a fault, or says that it is no notice, and that is enough. Of one that has an inbox: its
    credentials, when it last asked, and what waits. With --certificate the other direction: whether what the agency
    would show is taken, in TLS and under messages.

    Exit 0 when all is well, 1 when somebody must change something, 3 when the agency is away.
    """
    lines = run(_tried(AgencyId(id), certificate, directory, json))
    worst = next((each for each in lines if each.tried is not Tried.GOOD), None)
    if json:
        steps = [
            {"step": each.name, "outcome": each.tried.value, "code": each.code, "text": each.text} for each in lines
        ]
        answer({"agency": id, "ok": worst is None, "steps": steps})
    raise typer.Exit(_EXITS[worst.tried] if worst is not None else EXIT_OK)


async def _tried(id: AgencyId, certificate: Path | None, directory: Path, json: bool) -> list[_Line]:
    async with open_deployment(directory) as gateway:
        if certificate is not None:
            return _all(await judge_certificate(gateway, id, certificate.read_bytes(), actor="cli"), json)
        if not is_pushed(agency_of(gateway, id)):
            return _all(await look_at_inbox(gateway, id, actor="cli"), json)
        return await _pushed(gateway, id, json)


async def _pushed(gateway: Gateway, id: AgencyId, json: bool) -> list[_Line]:
    lines: list[_Line] = []

    def told(said: Said) -> None:
        lines.append(_Line(name=said.step.value, tried=said.tried, text=said.text, code=said.code))
        if not json:
            lines[-1].show()

    connections = connections_of(gateway)
    try:
        await probe_endpoint(gateway, id, connections, actor="cli", told=told)
    finally:
        await connections.close()
    return lines


def _all(looked: Iterable[Looked], json: bool) -> list[_Line]:
    lines = [_Line(name=each.name, tried=each.tried, text=each.text, code=each.code) for each in looked]
    for each in lines if not json else ():
        each.show()
    return lines
