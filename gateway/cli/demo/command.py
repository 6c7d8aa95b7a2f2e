"""`gateway demo`: the whole gateway on this machine, with agencies around it, told as one story."""

import asyncio
import contextlib
import functools
import signal
import tempfile
import time
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gateway.app import open_deployment
from gateway.cli.demo.process import ProcessFailed
from gateway.cli.demo.report import in_plain_words, leaks, lines, summary, told, verify_offline
from gateway.cli.demo.stage import Stage, stage
from gateway.cli.demo.story import parts, scenes
from gateway.cli.run import AsJson, answer, err, out, run
from gateway.exchange.gateway import Gateway

SEQUENCE_SECONDS_MAX = 15.0


def demo(
    once: Annotated[bool, typer.Option("--once", help="End when the story is told, instead of serving on.")] = False,
    port: Annotated[int, typer.Option(help="The gateway's port; 0 takes a free one.")] = 0,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Keep the deployment here, for every other command to work in.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Show everything on this machine: a gateway, a jail, police, probation, a fusion center and a prosecutor.

    Real messages go in over REST and SOAP with TLS, are validated, cut down for each recipient, signed, stored and
    delivered over sockets; one is invalid, one has no agreement, one comes twice, some are corrected or canceled.
    Then everything received and stored is searched for what should not be there, and the audit log is verified
    offline. Nothing leaves this machine. Exit 1 when anything leaked or did not verify.
    """
    with contextlib.ExitStack() as stack:
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-demo-"))) / "deployment"
        result = run(_demo(directory, port, once=once, json=json))
    raise typer.Exit(0 if result else 1)


async def _demo(directory: Path, port: int, *, once: bool, json: bool) -> bool:
    began = time.monotonic()
    _end_cleanly()
    if not json:
        out.print("Setting up a gateway and six agencies on loopback …")
    async with stage(directory, port) as made:
        result = await _tell(made, began, json=json)
        good = result["leaks"] == 0 and bool(result["audit"]["verified"])  # type: ignore[index]
        if json:
            answer(result)
        if not once:
            await _serve_on(made, json=json)
        return good


def _end_cleanly() -> None:
    """A closed terminal or a kill takes the stage down, with its processes and folder, as Ctrl-C does."""
    task = asyncio.current_task()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if task is not None and number is not None:
            with contextlib.suppress(NotImplementedError):  # Windows has no handlers on the loop
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _tell(made: Stage, began: float, *, json: bool) -> dict[str, object]:
    async with open_deployment(made.directory) as gateway:
        story = scenes(gateway.current.iepds)
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=err,
            disable=json,
            transient=True,
        ) as bar:
            for title, part in parts(story):
                sending = bar.add_task(title, total=len(part))
                await made.play(part, functools.partial(bar.advance, sending))
                arriving = bar.add_task("  arriving", total=None)
                await made.wait_delivered(
                    gateway,
                    lambda done, of, task=arriving: bar.update(task, completed=done, total=of),  # type: ignore[misc]
                )
            await _sequenced(made, gateway)
        shown = await lines(made, gateway)
        leaking = await asyncio.to_thread(leaks, made, gateway)
        audit = await verify_offline(made, gateway)
    result = summary(made, shown, leaking, audit, time.monotonic() - began)
    if not json:
        for line in told(made, shown):
            out.print(line)
        out.print("\n[bold]In plain words[/]")
        for sentence in in_plain_words(made, shown):
            out.print(f"  {sentence}")
        _conclude(result, leaking)
    return result


async def _sequenced(made: Stage, gateway: Gateway) -> None:
    """Until every entry is in the signed log; the worker orders them each second."""
    deadline = time.monotonic() + SEQUENCE_SECONDS_MAX
    while (await gateway.store.counts()).unsequenced:
        if time.monotonic() > deadline:
            raise ProcessFailed(f"entries wait for the log of {made.directory} for too long")
        await asyncio.sleep(0.1)


def _conclude(result: Mapping[str, object], leaking: Sequence[str]) -> None:
    arrived = " ".join(f"{kind} {count}" for kind, count in dict(result["deliveries"]).items())  # type: ignore[call-overload]
    audit = dict(result["audit"])  # type: ignore[call-overload]
    out.print(f"{result['messages']} messages accepted, {result['refused']} refused; deliveries: {arrived}")
    out.print(f"{result['withheld']} places withheld from somebody who got the rest of the message")
    color, word = ("red", "LEAKS") if leaking else ("green", "no leak")
    out.print(
        f"[{color}]{word}[/]: every place carried a mark of its own; all that was received and stored was searched"
    )
    for place in leaking:
        out.print(f"  [red]{place}[/]")
    verdict = "[green]verified offline[/]" if audit["verified"] else "[red]NOT VERIFIED[/]"
    out.print(f"audit log: {audit['entries']} entries, {verdict} by the single-file verifier, and one entry proved")
    out.print(f"{result['seconds']} seconds")


async def _serve_on(made: Stage, *, json: bool) -> None:
    """Leave the gateway running until Ctrl-C, with its page open where there is a screen."""
    if not json:
        out.print(f"\nThe gateway runs at {made.url}. Look at [bold]{made.docs}[/]; Ctrl-C ends everything.")
        out.print(f"Its deployment: {made.directory}; try: gateway deliveries list -C {made.directory}")
    if out.is_terminal and not json:
        await asyncio.to_thread(webbrowser.open, made.docs)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no handlers on the loop; Ctrl-C works there
            loop.add_signal_handler(number, stop.set)
    await stop.wait()
