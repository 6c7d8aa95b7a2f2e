"""`gateway serve` and `gateway worker`: the long-running processes.

Web framework and transports are imported when one of them starts: every other command starts faster without.
"""

import multiprocessing
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from gateway.app import key_store
from gateway.cli.run import Directory, err, fail
from gateway.config import Settings, read_settings
from gateway.errors import GatewayError

OPEN_FILES = 65_536
"""Wanted; the usual soft limit of 1,024 is a quarter of the connections that one process takes."""

RESTART_SECONDS = 1.0
"""A process that died is started again after this; what it held falls due again when its leases run out."""


def serve(
    processes: Annotated[int, typer.Option("--processes", min=1, max=64, help="How many processes take requests.")] = 1,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Deliver and order the log here too, or leave it to `worker`.")
    ] = True,
    port: Annotated[
        int | None, typer.Option(help="Listen on this port instead of the setting's; 0 = a free one.")
    ] = None,
    directory: Directory = Path(),
) -> None:
    """Run the gateway: REST and SOAP for agencies, and the worker that delivers. Ctrl-C stops it cleanly."""
    from gateway.api.server import bind  # noqa: PLC0415  (see the head of this module)

    try:
        settings = read_settings(directory)
        listening = [bind(settings.listen.host, settings.listen.port if port is None else port)]
        console = [bind(settings.listen.console_host, settings.listen.console)] if settings.listen.console else []
        key_store(settings)  # before anything is announced, and before processes are started that could not run
    except GatewayError as error:
        fail(error)
    _announce(settings, listening[0], console)
    if processes == 1:
        _serve(directory, listening, console, worker=worker)
        return
    _share_metrics(settings.directory / "metrics")
    targets: list[tuple[Callable[..., None], tuple[object, ...]]] = [
        (_serve_child, (directory, listening, console if number == 0 else [], processes)) for number in range(processes)
    ]
    if worker:
        targets.append((_worker_child, (directory, listening[0].getsockname()[1])))
    _supervise(targets)


def _share_metrics(folder: Path) -> None:
    """Let each process answer /metrics for all of them; what is left of an earlier run would count again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def worker(directory: Directory = Path()) -> None:
    """Run only the worker: deliver what is due, order the log, sign checkpoints. Any number may run."""
    _worker_child(directory)


def _worker_child(directory: Path, port: int | None = None) -> None:
    from gateway import serving  # noqa: PLC0415  (see the head of this module)
    from gateway.api.server import run  # noqa: PLC0415

    try:
        run(serving.worker_process(directory, port))
    except GatewayError as error:
        fail(error)


def _allow_open_files() -> None:
    """As many open files as the system lets this process have: unfinished handshakes take one each, and no name."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  (there is none for Windows)

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _serve(
    directory: Path, listening: list[socket.socket], console: list[socket.socket], *, worker: bool, processes: int = 1
) -> None:
    from gateway import serving  # noqa: PLC0415  (see the head of this module)
    from gateway.api.server import run  # noqa: PLC0415

    _allow_open_files()
    try:
        run(serving.serve_process(directory, listening, console, worker=worker, processes=processes))
    except GatewayError as error:
        fail(error)


def _serve_child(directory: Path, listening: list[socket.socket], console: list[socket.socket], processes: int) -> None:
    _serve(directory, listening, console, worker=False, processes=processes)


def _announce(settings: Settings, listening: socket.socket, console: list[socket.socket]) -> None:
    scheme = "https" if settings.listen.tls else "http"
    err.print(
        f"gateway {settings.name}: {scheme}://{settings.listen.host}:{listening.getsockname()[1]} "
        "(REST below /v1, SOAP at /soap?wsdl)"
    )
    for each in console:
        err.print(f"docs and metrics: http://{settings.listen.console_host}:{each.getsockname()[1]}/docs")
    if not settings.listen.tls:
        err.print("[yellow]plain HTTP, on loopback only: listen.tls is off in gateway.toml[/]")


def _child(target: Callable[..., None], arguments: tuple[object, ...]) -> None:
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    target(*arguments)


def _end_with_parent() -> None:
    """A parent that was killed tells nobody: its children would go on and hold the port against the next start."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _supervise(targets: list[tuple[Callable[..., None], tuple[object, ...]]]) -> None:
    """Keep a process for each target alive until SIGINT or SIGTERM, then let them finish."""
    # A file of the folder this was started in, named like a module of Python's, is not to be run in its place; unless
    # Python itself was told to look there first, by `python -m gateway`.
    os.environ["PYTHONSAFEPATH"] = "1"
    context = multiprocessing.get_context("spawn")
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def start(number: int) -> BaseProcess:
        target, arguments = targets[number]
        process = context.Process(target=_child, args=(target, arguments), daemon=False)
        process.start()
        return process

    running = [start(number) for number in range(len(targets))]
    while not stopping:
        time.sleep(0.2)
        for number, process in enumerate(running):
            if not process.is_alive() and not stopping:
                err.print(f"[red]process {process.pid} ended with {process.exitcode}; starting another[/]")
                time.sleep(RESTART_SECONDS)
                running[number] = start(number)
    for process in running:
        process.terminate()
    for process in running:
        process.join(30)
        if process.is_alive():
            process.kill()
    sys.exit(0)
