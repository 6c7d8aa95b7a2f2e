"""Evidence that somebody falsified: a real package, and every way of changing it that its maker himself could try.

Whoever runs the gateway has its receipt key: after a change the list of files and the statement on it are made anew
and signed, so that only the evidence itself can give the falsifier away.
"""

import base64
import copy
import io
import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import verifier
from gateway.audit.checkpoint import Checkpoint, unverified_checkpoint
from gateway.audit.note import NoteKey, NoteSigner, sign_note
from gateway.audit.tree import leaf_hash, root

SOURCE = Path(verifier.__file__).read_bytes()

ALONE = (
    "import runpy, sys; sys.modules['gateway'] = None; sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
"""Python code that runs a file as a program to which a package `gateway` does not exist."""


class Signer:
    """An Ed25519 key with a name."""

    def __init__(self, name: str) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.name = name
        self.public_bytes = self.private.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data)

    @property
    def cosigner_key(self) -> str:
        """As a partner that countersigns gives it by hand (c2sp.org/tlog-cosignature)."""
        public = b"\x04" + self.public_bytes
        digits = sha256(self.name.encode() + b"\n" + public).hexdigest()[:8]
        return f"{self.name}+{digits}+{base64.b64encode(public).decode()}"

    def cosigned(self, note: str, *, seconds: int = 1_772_000_000) -> str:
        """The note with this partner's countersignature."""
        text = note.rpartition("\n\n")[0] + "\n"
        identity = bytes.fromhex(self.cosigner_key.split("+")[1])
        signature = self.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
        encoded = base64.b64encode(identity + seconds.to_bytes(8) + signature).decode()
        return f"{note}— {self.name} {encoded}\n"


def vkey(signer: NoteSigner) -> str:
    return str(NoteKey(signer.name, signer.public_bytes))


@dataclass
class Evidence:
    """A package, open for changing: `entries` are the lines of its entries or of its log.

    log, receipts  the gateway's own signers
    words          further options for the verifier
    anchors        what the outsider was given by hand
    """

    files: dict[str, bytes]
    entries: list[dict[str, Any]]
    log: NoteSigner
    receipts: NoteSigner
    anchors: dict[str, str]
    kept: dict[str, bytes] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    sealed: bool = False
    doubled: str = ""

    @classmethod
    def read(cls, data: bytes, *, log: NoteSigner, receipts: NoteSigner, authority: bytes) -> "Evidence":
        """A package as it was handed out."""
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            files = {name: opened.read(name) for name in opened.namelist()}
        name = "log.jsonl" if "log.jsonl" in files else "entries.jsonl"
        anchors = {"--key": vkey(log), "--receipt-key": vkey(receipts), "--authority": authority.decode()}
        entries = [json.loads(line) for line in files[name].splitlines()]
        return cls(files=files, entries=entries, log=log, receipts=receipts, anchors=anchors)

    def copy(self) -> "Evidence":
        """Another one, to be changed."""
        signers = {id(self.log): self.log, id(self.receipts): self.receipts}
        return copy.deepcopy(self, signers)

    # what is in it

    @property
    def name(self) -> str:
        """Of the file of entries."""
        return "log.jsonl" if "log.jsonl" in self.files else "entries.jsonl"

    @property
    def head(self) -> Checkpoint:
        return unverified_checkpoint(self.files["checkpoint"])

    def body(self, number: int) -> dict[str, Any]:
        """Of the entry in this line."""
        found: dict[str, Any] = json.loads(self.entries[number]["body"])
        return found

    def number(self, type: str, nth: int = 0) -> int:
        """The line of the nth entry of a type."""
        return [at for at in range(len(self.entries)) if self.body(at)["type"] == type][nth]

    def index(self, number: int) -> int:
        """The place in the log of the entry in this line."""
        return int(self.entries[number]["index"])

    # changing it

    def edit(self, number: int, **keys: Any) -> None:
        """Change an entry; where its hash stands beside it, that too."""
        body = json.dumps(self.body(number) | keys, sort_keys=True, separators=(",", ":"))
        self.entries[number]["body"] = body
        if "leaf" in self.entries[number]:
            self.entries[number]["leaf"] = leaf_hash(body.encode()).hex()

    def renumber(self) -> None:
        """Give the lines of a whole log the indexes of their places."""
        for at, line in enumerate(self.entries):
            line["index"] = at

    def sign_head(self, head: Checkpoint | None = None, *, by: NoteSigner | None = None) -> None:
        """A checkpoint, rightly signed: the falsifier has the log's key."""
        if head is None:
            leaves = [leaf_hash(line["body"].encode()) for line in self.entries]
            head = Checkpoint(origin=self.head.origin, size=len(leaves), root=root(leaves))
        self.files["checkpoint"] = sign_note(head.text, by or self.log).encode()

    def rotate(self, *signers: NoteSigner, to: NoteSigner, size: int | None = None) -> None:
        """A checkpoint that names the log's next key, signed by these."""
        text = f"{self.head.text}justice-gateway/next-log-key {vkey(to)}\n"
        if size is not None:
            text = text.replace(f"\n{self.head.size}\n", f"\n{size}\n")
        note, *more = [sign_note(text, signer) for signer in signers]
        self.files["rotations/0001"] = (note + "".join(each.rpartition("\n\n")[2] for each in more)).encode()

    def seal(self) -> None:
        """List and sign the files anew."""
        lines = "".join(
            f"{sha256(content).hexdigest()}  {name}\n"
            for name, content in sorted(self.files.items())
            if name not in {"files.txt", "statement"}
        )
        text = self.files["statement"].decode().partition("\n\n")[0]
        said = [line for line in text.splitlines() if not line.startswith("files ")]
        self.files["files.txt"] = lines.encode()
        said.append(f"files sha-256:{sha256(lines.encode()).hexdigest()}")
        self.files["statement"] = sign_note("\n".join((*said, "")), self.receipts).encode()

    def written(self) -> bytes:
        """The zip."""
        self.files[self.name] = "".join(json.dumps(line) + "\n" for line in self.entries).encode()
        if not self.sealed:
            self.seal()
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
            for name, content in self.files.items():
                made.writestr(name, content)
            if self.doubled:
                with warnings.catch_warnings(action="ignore"):
                    made.writestr(self.doubled, b"another")
        return file.getvalue()


@dataclass(frozen=True)
class Verdict:
    """What the verifier said. failed: the checks that failed, by name, with the index of the first bad entry."""

    status: int
    failed: dict[str, int | None]
    texts: dict[str, str]
    not_made: frozenset[str]


def verify(
    evidence: Evidence, folder: Path, *more: str, change: Callable[[bytes], bytes] = lambda data: data
) -> Verdict:
    """The verifier's verdict, in a process that cannot import the gateway."""
    (folder / "verifier.py").write_bytes(SOURCE)
    (folder / "evidence.zip").write_bytes(change(evidence.written()))
    words = [*evidence.words, *more]
    for option, text in evidence.anchors.items():
        (folder / option).write_text(text)
        words += [option, str(folder / option)]
    for name, content in evidence.kept.items():
        (folder / name).write_bytes(content)
        words += ["--earlier", str(folder / name)]
    command = [sys.executable, "-I", "-c", ALONE, "verifier.py", "evidence.zip", "--json", *words]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert run.stderr == "", run.stderr
    answer = json.loads(run.stdout)
    checks = answer["checks"]
    failed = {check["name"]: check["index"] for check in checks if check["passed"] is False}
    assert answer["passed"] == (not failed)
    return Verdict(
        status=run.returncode,
        failed=failed,
        texts={check["name"]: check["text"] for check in checks},
        not_made=frozenset(check["name"] for check in checks if check["passed"] is None),
    )
