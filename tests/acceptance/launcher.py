"""Starts `gateway` commands by a fork from a process that has everything imported: a restart costs a third of a cold
one, so that many kills fit into a test run. From the fork on it is the very command: settings, keys, database, sockets.

    {"words": ["serve"], "log": "FILE", "kill_at": "accept.before-commit:2"}    one line in: start
    {"pid": 4711}                                                              one line out: started, in that order
    {"pid": 4711, "status": -9}                                                it ended; negative: by that signal

`kill_at` is a point as in GATEWAY_KILL_AT, or a Python audit event such as `os.link`: killed just before that call.
When the input ends, so does everything that was started here.

OpenSSL and `os.urandom` give each forked process chance of its own.
"""

import json
import os
import selectors
import signal
import sys
import traceback
from contextlib import suppress
from typing import Any, NoReturn

READ_BYTES = 65536


def main() -> None:
    """Serve orders until the input ends."""
    _import_everything()
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the test run's to handle
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    alive: set[int] = set()
    waiting = b""
    while True:
        for key, _ in selector.select():
            read = os.read(key.fd, READ_BYTES)
            if key.fd == woken:
                _report(alive)
            elif read:
                *lines, waiting = (waiting + read).split(b"\n")
                for line in lines:
                    alive.add(_start(json.loads(line)))
            else:
                for pid in alive:
                    os.kill(pid, signal.SIGKILL)
                return


def _import_everything() -> None:
    import gateway.cli.main
    import gateway.serving
    import gateway.worker  # noqa: F401

    for name in ("uvicorn.lifespan.off", "uvloop", "psycopg_pool", "pydantic_settings.sources"):
        __import__(name)


def _say(line: dict[str, int]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def _report(alive: set[int]) -> None:
    for pid in tuple(alive):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            alive.discard(pid)
            _say({"pid": pid, "status": os.waitstatus_to_exitcode(status)})


def _start(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _live(order)
    _say({"pid": pid})
    return pid


def _live(order: dict[str, Any]) -> NoReturn:
    """The command, in the forked process."""
    status = 70
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        status = _run(order["words"], order["kill_at"])
    except BaseException:  # noqa: BLE001 - a forked process never goes on as its parent
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _run(words: list[str], kill_at: str) -> int:
    from gateway.cli.main import main as gateway
    from gateway.store import points

    if kill_at.startswith("os."):
        sys.addaudithook(lambda event, _: os.kill(os.getpid(), signal.SIGKILL) if event == kill_at else None)
    else:
        points.watch = points.killer(kill_at)
    sys.argv = ["gateway", *words]
    try:
        gateway()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    main()
