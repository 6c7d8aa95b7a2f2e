"""`gateway serve` and `gateway worker`: the long-running processes."""

import multiprocessing
import signal
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from gateway.api.server import bind, port_of
from gateway.api.server import run as run_loop
from gateway.app import serve_process, worker_process
from gateway.cli.run import Directory, err, fail
from gateway.config import Settings, read_settings
from gateway.errors import GatewayError

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
    try:
        settings = read_settings(directory)
        listening = [bind(settings.listen.host, settings.listen.port if port is None else port)]
        console = [bind(settings.listen.console_host, settings.listen.console)] if settings.listen.console else []
    except GatewayError as error:
        fail(error)
    _announce(settings, listening[0], console)
    if processes == 1:
        _guarded(lambda: run_loop(serve_process(directory, listening, console, worker=worker)))
        return
    targets: list[tuple[Callable[..., None], tuple[object, ...]]] = [
        (_serve_child, (directory, listening, console if number == 0 else [])) for number in range(processes)
    ]
    if worker:
        targets.append((_worker_child, (directory,)))
    _supervise(targets)


def worker(directory: Directory = Path()) -> None:
    """Run only the worker: deliver what is due, order the log, sign checkpoints. Any number may run."""
    _guarded(lambda: run_loop(worker_process(directory)))


def _guarded(act: Callable[[], None]) -> None:
    try:
        act()
    except GatewayError as error:
        fail(error)


def _serve_child(directory: Path, listening: list[socket.socket], console: list[socket.socket]) -> None:
    _guarded(lambda: run_loop(serve_process(directory, listening, console, worker=False)))


def _worker_child(directory: Path) -> None:
    _guarded(lambda: run_loop(worker_process(directory)))


def _announce(settings: Settings, listening: socket.socket, console: list[socket.socket]) -> None:
    scheme = "https" if settings.listen.tls else "http"
    err.print(
        f"gateway {settings.name}: {scheme}://{settings.listen.host}:{port_of(listening)}  (REST /v1, SOAP /soap?wsdl)"
    )
    for each in console:
        err.print(f"docs and metrics: http://{settings.listen.console_host}:{port_of(each)}/docs")
    if not settings.listen.tls:
        err.print("[yellow]plain HTTP, on loopback only: listen.tls is off in gateway.toml[/]")


def _supervise(targets: list[tuple[Callable[..., None], tuple[object, ...]]]) -> None:
    """Keep a process for each target alive until SIGINT or SIGTERM, then let them finish."""
    context = multiprocessing.get_context("spawn")
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def start(number: int) -> BaseProcess:
        target, arguments = targets[number]
        process = context.Process(target=target, args=arguments, daemon=False)
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
