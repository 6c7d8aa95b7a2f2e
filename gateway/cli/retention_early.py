"""`gateway retention destroy`: before its time; and `attest`, `attestations`: what past recipients say they did."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import open_deployment
from gateway.cli.acting import SECOND_PASSPHRASE, As, Key, person
from gateway.cli.run import AsJson, Directory, answer, out, run
from gateway.cli.table import AsFormat, Output, tell
from gateway.exchange.acting import Acting
from gateway.exchange.attesting import attest as attest_notice
from gateway.exchange.destroy_early import destroy_early
from gateway.exchange.purge import Outcome
from gateway.exchange.reading import record_read
from gateway.exchange.retention_tables import attestations_table
from gateway.exchange.status import MessageUnknown
from gateway.message import DisseminationId, MessageId
from gateway.report.table import Table
from gateway.retention.plan import Why
from gateway.store.retention import Attestation


def destroy(
    messages: Annotated[list[str], typer.Argument(metavar="MESSAGE…", help="The gateway's ids of the messages.")],
    reason: Annotated[Why, typer.Option("--reason", help="Why before its time; it stands in the log.")],
    by: As,
    second: Annotated[
        str,
        typer.Option("--second", metavar="USER", help="The second person: supervisor, privacy or compliance officer."),
    ],
    chain: Annotated[
        bool, typer.Option("--chain", help="Also what corrected, updated or canceled these messages, and came before.")
    ] = False,
    key: Key = None,
    second_key: Annotated[
        Path | None, typer.Option("--second-key", help="The second person's key file.", dir_okay=False)
    ] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Destroy all that is kept of messages before its time: sealed, expunged, by order of a court, or at their owner's
    wish. What still waits is recalled; every past recipient gets a notice with its deliveries and is asked to destroy
    its copies and to attest it. A legal hold wins.

    Both people speak for the owner or for the gateway's operator. What is due anyway is for `gateway retention run`.

    [bold]gateway retention destroy 019a3c5e-… --reason expunged --as ana --second bo[/]
    """
    first = person(by, key, directory)
    other = person(second, second_key, directory, variable=SECOND_PASSPHRASE)
    outcome = run(_destroy(directory, [MessageId(each) for each in messages], reason, chain, first, other))
    made = outcome.ran
    if json:
        answer(
            {
                "run": made.run.id if made else None,
                "destroyed": made.destroyed if made else 0,
                "clean": made.clean if made else True,
                "told": list(made.told) if made else [],
                "certificate": made.certificate if made else None,
            }
        )
        return
    if made is None:
        out.print("nothing was left to destroy")
        return
    out.print(f"destroyed {made.destroyed} payloads; certificate [bold]{made.run.id}[/]")
    out.print(f"{len(made.told)} past recipients are told and asked to attest: gateway retention attestations")
    if not made.clean:
        out.print("[bold red]something is left[/]: the certificate says what")
        raise typer.Exit(1)


async def _destroy(
    directory: Path, messages: list[MessageId], reason: Why, chain: bool, first: Acting, second: Acting
) -> Outcome:
    async with open_deployment(directory) as gateway:
        wanted = dict.fromkeys(messages)
        for id in messages if chain else ():
            record = await gateway.store.message(id)
            if record is None:
                raise MessageUnknown("one of these messages is not here; it is the gateway's own id that is asked for")
            wanted |= dict.fromkeys(each.id for each in await gateway.store.chain_messages(record.message.first))
        return await destroy_early(gateway, list(wanted), reason=reason, by=first, second=second)


def attest(
    notice: Annotated[str, typer.Argument(help="The notice, as `gateway retention attestations` names it.")],
    by: As,
    paper: Annotated[
        Path | None,
        typer.Option("--paper", exists=True, dir_okay=False, help="What the recipient wrote; its digest is kept."),
    ] = None,
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Record that a past recipient has destroyed its copies: by one of its officers, or by one of the operator's
    who has the recipient's paper in hand."""
    document = f"sha-256:{sha256(paper.read_bytes()).hexdigest()}" if paper else ""
    made = run(_attest(directory, DisseminationId(notice), document, person(by, key, directory)))
    if json:
        answer(
            {
                "notice": made.notice,
                "recipient": made.recipient,
                "attested_by": made.attested_by,
                "paper": document or None,
            }
        )
        return
    out.print(f"recorded: {made.recipient} has destroyed what it got of {made.message}")


async def _attest(directory: Path, notice: DisseminationId, document: str, by: Acting) -> Attestation:
    async with open_deployment(directory) as gateway:
        return await attest_notice(gateway, notice, by=by, document=document)


def attestations(
    every: Annotated[bool, typer.Option("--all", help="Those that were given, too.")] = False,
    format: AsFormat = None,
    output: Output = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Who was asked to attest an early destruction and has not, and for how long."""
    tell(run(_attestations(directory, every)), format=format, output=output, json=json)


async def _attestations(directory: Path, every: bool) -> Table:
    async with open_deployment(directory) as gateway:
        await record_read(gateway, "attestations", actor="cli")
        return await attestations_table(gateway, every=every)
