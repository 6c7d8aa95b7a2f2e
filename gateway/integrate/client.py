"""Client: a small working client for one toolkit, as it lies in `clients/`; it is handed on as it is.

A folder there holds the client's files, a `README.md` about this toolkit and a `client.toml` that describes it. The
files are not filled in: what differs from agency to agency stands in the settings file that the pack puts beside them.

Every client has the same acts, prints the same lines and ends alike, so that one page explains them and one test runs
them all. It reads `gateway.properties` beside it (version, addresses, names of files), checks the gateway's TLS
certificate and host name against `authority`, shows the token, the certificate or both, and follows no redirect.

    submit FILE [ID]    the file's root element as Payload, ID as wsa:MessageID   accepted OUR-ID
                                                                                  recipient AGENCY OUTCOME [CODE]
    status ID           ours or the sender's own                                  message OUR-ID
                                                                                  state RECIPIENT STATE
    poll FOLDER         writes DELIVERY.payload.xml and DELIVERY.cover.xml there, each as the bytes that were signed:
                        exclusive C14N (of the payload with the PrefixList that its Cover names), SHA-256 compared
                        with the Cover's                                          delivery DELIVERY EXCHANGE MOU
    acknowledge DELIVERY...                                                       acknowledged DELIVERY

Status 0; 1 refused: on standard error `refused CODE TEXT`, then a line `finding LINE CODE PATH TEXT` for each finding;
2 wrong words; 3 not available, try again.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "clients"
DESCRIPTION = "client.toml"
README = "README.md"

FORMS = frozenset({"pem", "pkcs12", "pkcs12-3des"})
"""In which forms beside two PEM files a toolkit may want key and certificate: together in one, as PKCS #12, or as
PKCS #12 in its old encryption, which Mono and Windows before 2019 are limited to."""

KEYS = frozenset({"p-256", "rsa"})
"""Kinds of key that are issued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One toolkit's client.

    name      as the command line has it: "zeep"
    title     for people: "Python with zeep"
    needs     what must be installed, a line for people
    check     the words that end with 0 where that is installed
    setup     commands, each as words, to run once in the folder; {python} = the Python at hand
    run       the words that start it; an act and its arguments follow
    versions  SOAP versions it speaks, the one to start with first
    signs     it can sign with X.509 WS-Security
    key       the kind of key it is issued, one of `KEYS`; RSA for what signs under nothing else
    forms     forms of key and certificate it wants besides two PEM files; some of `FORMS`
    mtom      it can send pictures as parts beside the message (`mtom=yes` in its settings)
    notes     its page, Markdown
    files     file name to bytes
    """

    name: str
    title: str
    needs: str
    check: tuple[str, ...]
    setup: tuple[tuple[str, ...], ...] = ()
    run: tuple[str, ...]
    versions: tuple[str, ...]
    signs: bool = False
    key: str = "p-256"
    mtom: bool = False
    forms: frozenset[str] = frozenset()
    notes: str
    files: dict[str, bytes]

    @property
    def wants_pkcs12(self) -> bool:
        """In either encryption."""
        return bool(self.forms & {"pkcs12", "pkcs12-3des"})

    def __post_init__(self) -> None:
        if not self.run or not self.versions or not set(self.versions) <= {"1.1", "1.2"}:
            raise ValueError(f"{self.name}: a client is run by a command and speaks SOAP 1.1, 1.2 or both")
        if not self.forms <= FORMS:
            raise ValueError(f"{self.name}: a form of key is one of {', '.join(sorted(FORMS))}")
        if self.key not in KEYS:
            raise ValueError(f"{self.name}: a kind of key is one of {', '.join(sorted(KEYS))}")


def names() -> tuple[str, ...]:
    """Of every client there is."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob(f"*/{DESCRIPTION}")))


def client(name: str) -> Client:
    """The client of this name, one of `names()`."""
    folder = FOLDER / name
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
    described = tomllib.loads(files.pop(DESCRIPTION).decode())
    return Client(name=name, notes=files.pop(README).decode(), files=files, **_read(described))


def _files(folder: Path) -> list[Path]:
    """The client's own; not what a run in a checkout left there."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in found if not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)]


def _read(described: Mapping[str, Any]) -> dict[str, Any]:
    read = dict(described)
    for name in ("check", "run", "versions"):
        read[name] = tuple(described[name])
    read["setup"] = tuple(tuple(words) for words in described.get("setup", ()))
    read["forms"] = frozenset(described.get("forms", ()))
    return read
