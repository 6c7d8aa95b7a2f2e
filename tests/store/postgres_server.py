"""A PostgreSQL for the tests: the one of GATEWAY_TEST_POSTGRES, or a cluster of our own that ends with the test run."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql


class NoPostgres(Exception):
    """Why there is none, in plain words."""


@contextmanager
def running_server() -> Iterator[str]:
    """URL of a server whose user may make databases; it names a database that exists."""
    given = os.environ.get("GATEWAY_TEST_POSTGRES", "")
    if given:
        yield given
        return
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="gateway-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        as_user = _unprivileged(folder)
        data = folder / "data"
        _run([*as_user, programs / "initdb", "-D", data, "-U", "gateway", "-A", "trust", "-E", "UTF8", "--locale=C"])
        port = _free_port()
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c port={port} -c max_connections=60"
        # fsync stays on, since the store refuses a server without it, and so that kill tests test the truth.
        control = [*as_user, programs / "pg_ctl", "-D", data, "-w"]
        _run([*control, "-l", data / "log", "-o", settings, "start"])
        try:
            yield f"postgresql://gateway@/postgres?host={quote(str(folder), safe='')}&port={port}"
        finally:
            _run([*control, "-m", "immediate", "stop"])


@contextmanager
def fresh_database(server: str, template: str = "template0") -> Iterator[str]:
    """URL of a new database in this server, a copy of its template; dropped at the end."""
    name = f"gateway_test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    if elsewhere is None:
        raise NoPostgres("PostgreSQL's server programs are not installed and GATEWAY_TEST_POSTGRES is not set")
    return Path(elsewhere).resolve().parent


def _unprivileged(folder: Path) -> list[str]:
    """How to run as somebody else when we are root, as whom PostgreSQL refuses to run; the folder becomes theirs."""
    if os.geteuid() != 0:
        return []
    import pwd

    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if shutil.which("setpriv") is None:
            break
        os.chown(folder, user.pw_uid, user.pw_gid)
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    raise NoPostgres("the tests run as root, PostgreSQL does not, and there is no user or program to run it as another")


def _free_port() -> int:
    """Only part of the socket's name: the server listens on no network."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: "list[str | Path]") -> None:
    # From "/", since the unprivileged user may not enter the folder that the tests run in.
    text = [str(part) for part in command]
    done = subprocess.run(text, check=False, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{command[-1]} failed: {done.stdout.decode(errors='replace')[-2000:]}")
