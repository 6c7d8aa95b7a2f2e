#!/usr/bin/env python3
"""Verify what a gateway handed out - one entry of its log, the whole log, a receipt, an evidence package - without it.

This file stands alone: Python 3.11 and `cryptography` 42, or later ones, nothing else. Take it from a source you
trust, not from the gateway you check, and have the keys given to you by hand; a key that lies beside the evidence
proves nothing.

    python verifier.py PACKAGE.zip --key LOG_KEY          an evidence package: every check that its files allow
        … --receipt-key KEY --authority CERTIFICATE        also whose the receipts and the signatures on Covers are
        … --witness KEY --witnesses 1                      also that a partner countersigned the log
        … --person USER=KEY                                also that it was this person who signed what USER signed
    python verifier.py ENTRY.tlog-proof --key LOG_KEY      one entry: is it in the signed log?
    python verifier.py --log EXPORT --checkpoint HEAD --key LOG_KEY        the whole log: is it the signed one?
        … --earlier OLD_HEAD --at-least SIZE               and does it go on from a head kept from before?
    python verifier.py CERTIFICATE --receipt-key KEY       a destruction certificate: has this gateway signed it?
    python verifier.py --receipt RECEIPT --receipt-key KEY        is it a receipt of this gateway?
        … --log EXPORT --checkpoint HEAD --key LOG_KEY     and was the entry that it promises written and signed?
    … --rotation CHECKPOINT  the log got a new key: follow it from the one you have

A KEY is its text, name+id+key, or a file that holds it. --key, --rotation, --witness, --authority and --earlier may be
repeated. Exit status: 0 every check that was made passed, 1 one failed, 2 usage. What could not be checked is listed.

Formats: RFC 9162 section 2.1 (tree); c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof; RFC 8785
(digests of agreements and laws); W3C XML Signature with exclusive canonical XML (Covers). An export is one JSON object
a line: index, leaf (hex), and body (text), or no body where the entry is not for you to read.
"""

import argparse
import base64
import binascii
import hashlib
import itertools
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree  # read only once the bytes are known to hold no DTD

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

SHOWN_MAX = 20
LINE_MAX = 65_536
MEMBER_SIZE_MAX = 16 * 1024 * 1024
"""Of a file in a package that is read as a whole; long ones are read piece by piece."""

ED25519, COSIGNATURE = 1, 4
"""Types of keys: one that signs notes, one that countersigns checkpoints."""

NEXT_KEY = "justice-gateway/next-log-key "
"""Begins the line of a checkpoint that names the key which takes over."""


class Failed(Exception):
    """A check failed; the text says what is wrong, the index of which entry it was seen first."""

    def __init__(self, text: str, index: int | None = None) -> None:
        super().__init__(text)
        self.index = index


class NotMade(Exception):
    """A check could not be made: something that it needs was not given."""


BROKEN = (
    *(ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError),
    *(UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
"""What reading a file that somebody made up can raise. Each is a failed check, never a stack trace."""


class Key(NamedTuple):
    """A public key."""

    name: str
    id: bytes
    public: bytes


class Head(NamedTuple):
    """A verified checkpoint."""

    origin: str
    size: int
    root: bytes


# --- notes and keys ---------------------------------------------------------------------------------------------


def decoded(text: str) -> bytes:
    """Bytes of a base64 text."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Failed("not base64 where base64 is expected") from error


def read_key(text: str, kind: int = ED25519) -> Key:
    """A key from its text name+id+key; the id guards against typing errors."""
    name, _, rest = text.strip().partition("+")
    digits, _, encoded = rest.partition("+")
    public = decoded(encoded)
    if not name or len(public) != 33 or public[0] != kind:
        raise Failed(f"the key is not of the form name+id+key, Ed25519, type {kind}")
    key = Key(name, hashlib.sha256(name.encode() + b"\n" + public).digest()[:4], public[1:])
    if key.id.hex() != digits:
        raise Failed("the id in the key is not that of its name and key: a typing error?")
    return key


def signed_by(public: bytes, signature: bytes, text: bytes) -> bool:
    """Whether an Ed25519 signature fits."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except InvalidSignature:
        return False
    return True


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note, and its signatures: name, and key id with signature."""
    text, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise Failed("not a signed note: text, an empty line, signature lines")
    found = []
    for line in signatures[:-1].split("\n"):
        name, _, encoded = line.removeprefix("— ").partition(" ")
        found.append((name, decoded(encoded)))
    return text + "\n", found


def open_note(note: str, keys: Iterable[Key]) -> tuple[str, list[Key]]:
    """The text of a signed note and those of the keys that have signed it: at least one, and none of them wrongly."""
    text, signatures = split_note(note)
    known, signers = {(key.name, key.id): key for key in keys}, []
    for name, signature in signatures:
        key = known.get((name, signature[:4]))
        if key is not None:
            if not signed_by(key.public, signature[4:], text.encode()):
                raise Failed(f"the signature of {name} does not fit the text: forged or altered")
            signers.append(key)
    if not signers:
        raise Failed(f"no signature by {' or '.join({name for name, _ in known}) or 'a key given'}: another key signed")
    return text, signers


def head_of(text: str) -> Head:
    """What the text of a checkpoint says."""
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not (lines[1].isascii() and lines[1].isdigit() and str(int(lines[1])) == lines[1]):
        raise Failed("the signed text is not a checkpoint: origin, size, root")
    head = Head(lines[0], int(lines[1]), decoded(lines[2]))
    if len(head.root) != 32:
        raise Failed("the root in the checkpoint has not 32 bytes")
    return head


# --- the tree ---------------------------------------------------------------------------------------------------


def leaf_hash(body: bytes) -> bytes:
    """Hash of an entry (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The roots of the complete subtrees that the leaves read so far make, the largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.nodes: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append a leaf: as many complete subtrees join as the size ends in binary ones."""
        joins = self.size
        while joins & 1:
            leaf = node_hash(self.nodes.pop(), leaf)
            joins >>= 1
        self.nodes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Root over all leaves so far."""
        if not self.nodes:
            return hashlib.sha256(b"").digest()
        result = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            result = node_hash(node, result)
        return result


def root_of_proof(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes | None:
    """The root an inclusion proof leads to (RFC 9162, 2.1.3.2); None when it has the wrong length."""
    last = size - 1
    for sibling in proof:
        if last == 0:
            return None
        if index & 1 or index == last:
            leaf = node_hash(sibling, leaf)
            while not index & 1:
                index, last = index >> 1, last >> 1
        else:
            leaf = node_hash(leaf, sibling)
        index, last = index >> 1, last >> 1
    return leaf if last == 0 else None


def check_inclusion(body: bytes, index: int, proof: list[bytes], head: Head) -> None:
    """The entry's hash and the proof lead to the root."""
    if not 0 <= index < head.size or any(len(each) != 32 for each in proof):
        raise Failed(f"the proof of entry {index} is not one of an entry of this log", index)
    found = root_of_proof(leaf_hash(body), index, head.size, proof)
    if found is None:
        raise Failed(f"the proof of entry {index} has not the length it must have: cut, or of another log size", index)
    if found != head.root:
        raise Failed(f"entry {index} is not in the log at this place: entry, index or proof was altered", index)


# --- checks -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One check. passed: None = it was not made, and the text says why. index: the first entry that is bad."""

    name: str
    passed: bool | None
    text: str
    index: int | None = None


class Checks:
    """Runs checks one after the other and remembers each."""

    def __init__(self) -> None:
        self.done: list[Check] = []
        self.entry: Any = None

    def run(self, name: str, check: Callable[[], str]) -> bool:
        """Whether it passed."""
        try:
            self.done.append(Check(name, True, check()))
        except Failed as failed:
            self.done.append(Check(name, False, str(failed), failed.index))
        except NotMade as reason:
            self.done.append(Check(name, None, str(reason)))
        except BROKEN as error:
            self.done.append(Check(name, False, f"what was read has not its form ({type(error).__name__})"))
        return bool(self.done[-1].passed)

    @property
    def passed(self) -> bool:
        """None failed, and at least one was made."""
        return any(check.passed for check in self.done) and all(check.passed is not False for check in self.done)


class Tally:
    """One check made of many things of a package: how many are good, which is the first that is not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.good = self.bad = 0
        self.lacking: dict[str, int] = {}
        self.texts: list[str] = []
        self.index: int | None = None

    def run(self, index: int | None, check: Callable[[], None]) -> None:
        """Check one of them, which belongs to this entry."""
        try:
            check()
            self.good += 1
        except Failed as failed:
            self.note(str(failed), failed.index if failed.index is not None else index)
        except NotMade as reason:
            self.lacking[str(reason)] = self.lacking.get(str(reason), 0) + 1
        except BROKEN as error:
            self.note(f"what was read has not its form ({type(error).__name__})", index)

    def note(self, text: str, index: int | None) -> None:
        """Remember what is bad; the first places are enough."""
        self.index = index if self.index is None else self.index
        self.bad += 1
        if len(self.texts) < SHOWN_MAX:
            self.texts.append(text if index is None else f"entry {index}: {text}")

    def result(self, good: str) -> str:
        """What is said in the end. good: what those that passed are."""
        if self.bad:
            raise Failed("; ".join(self.texts), self.index)
        if not self.good:
            raise NotMade("; ".join(self.lacking) or "there is nothing of this kind in it")
        lacking = ", ".join(f"{number} not: {reason}" for reason, number in self.lacking.items())
        return f"{self.good} {good}" + (f" ({lacking})" if lacking else "")


# --- trust: what was given by hand, and what follows from it ------------------------------------------------------


class Trust:
    """The keys to believe. Rotations add log keys; spans: from which size of the log on one counts, and until which;
    people: of those whose keys were given, the keys' fingerprints, and the keys where they were given themselves."""

    def __init__(self) -> None:
        self.logs: list[Key] = []
        self.passages: list[Head] = []
        self.spans: dict[bytes, tuple[int, int | None]] = {}
        self.receipts: list[Key] = []
        self.witnesses: list[Key] = []
        self.witnesses_least = 0
        self.authorities: list[x509.Certificate] = []
        self.people: dict[str, dict[str, bytes | None]] = {}

    def head(self, note: str) -> tuple[Head, list[Key]]:
        """A checkpoint that a key of the log has signed, and those that did."""
        text, signers = open_note(note, self.logs)
        head = head_of(text)
        current = [key for key in signers if self.counts(key, head.size)]
        if not current:
            raise Failed(f"the key that signed it had no say over {head.size} entries: given up by then, or not in use")
        return head, current

    def counts(self, key: Key, size: int) -> bool:
        """Whether a checkpoint of this size may be signed by it."""
        first, until = self.spans.get(key.public, (0, None))
        return first <= size and (until is None or size < until)

    def rotate(self, note: str) -> str:
        """Believe the log's next key, when the old one and the new one have signed a checkpoint that names it.

        Both signatures alone would not do: anybody can put one of his own under a checkpoint. What the old key signs
        must name the new one.
        """
        text, _ = split_note(note)
        head = head_of(text)
        named = [line.removeprefix(NEXT_KEY) for line in text.split("\n") if line.startswith(NEXT_KEY)]
        if len(named) != 1:
            raise Failed("this checkpoint does not name the log's next key")
        new = read_key(named[0])
        _, signers = open_note(note, [*self.logs, new])
        if new not in signers:
            raise Failed("the chain of trust is broken: the next key has not signed the checkpoint that names it")
        old = [key for key in signers if key != new and self.counts(key, head.size)]
        if not old and new not in self.logs:
            raise NotMade("a passage between keys of which none is known: it says nothing")
        for key in old:
            self.spans[key.public] = (self.spans.get(key.public, (0, None))[0], head.size)
        self.spans[new.public] = (head.size, None)
        self.passages.append(head)
        self.logs = [*(key for key in self.logs if key != new), new]
        return f"{new.name}+{new.id.hex()} took over at {head.size} entries, signed by the old key and the new one"

    def cosigned(self, notes: Iterable[str]) -> str:
        """That enough partners have countersigned these checkpoints (c2sp.org/tlog-cosignature), and when."""
        if not self.witnesses:
            raise NotMade("no partner's key was given (--witness)")
        known = {(key.name, key.id): key for key in self.witnesses}
        seen: dict[bytes, str] = {}
        for note in notes:
            text, signatures = split_note(note)
            for name, signature in signatures:
                key = known.get((name, signature[:4]))
                if key is not None:
                    seconds = int.from_bytes(signature[4:12])
                    message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
                    if not signed_by(key.public, signature[12:], message):
                        raise Failed(f"the countersignature of {name} does not fit the checkpoint: forged or altered")
                    seen[key.public] = f"{name} on {moment_of(seconds)} over {head_of(text).size} entries"
        if len(seen) < self.witnesses_least:
            raise Failed(
                f"countersigned by {len(seen)} of the partners given, and {self.witnesses_least} are asked for"
            )
        if not seen:
            raise NotMade("none of the partners given has countersigned this checkpoint")
        return "countersigned by " + ", ".join(seen.values())


def moment_of(seconds: int) -> str:
    """A POSIX time for people."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError) as error:
        raise Failed("the time of a countersignature is none") from error


def check_head(checks: Checks, trust: Trust, name: str, note: str, at_least: int = 0) -> Head | None:
    """A checkpoint: its signature, and whether an old one is shown again."""
    found: list[Head] = []

    def signature() -> str:
        head, signers = trust.head(note)
        found.append(head)
        return f"{head.origin}, {head.size} entries, signed by {', '.join(key.name for key in signers)}"

    if not checks.run(name, signature):
        return None
    if at_least:
        checks.run("size", lambda: large_enough(found[0], at_least))
    return found[0]


def check_cosigned(checks: Checks, trust: Trust, *notes: str) -> None:
    """Countersignatures, where they are asked for: on one checkpoint, or on several that the log goes on from."""
    if trust.witnesses:
        checks.run("countersignatures", lambda: trust.cosigned(notes))


def large_enough(head: Head, at_least: int) -> str:
    """Whoever shows an old checkpoint hides what came after it."""
    if head.size < at_least:
        raise Failed(f"{head.size} entries, and {at_least} are known: an old checkpoint is shown again")
    return f"at least {at_least} entries"


# --- one entry --------------------------------------------------------------------------------------------------


def split_proof(text: str) -> tuple[bytes, int, list[bytes], str]:
    """The parts of a tlog-proof that carries its entry: body, index, proof, checkpoint."""
    top, _, note = text.partition("\n\n")
    lines = top.split("\n")
    starts = ("c2sp.org/tlog-proof@v1", "extra ", "index ")
    if len(lines) < 3 or not all(map(str.startswith, lines, starts)) or not lines[2][6:].isdecimal():
        raise Failed("not a tlog-proof file with its entry and the entry's index")
    return decoded(lines[1][6:]), int(lines[2][6:]), [decoded(line) for line in lines[3:]], note


def check_evidence(checks: Checks, trust: Trust, text: str, at_least: int) -> None:
    """One entry against the checkpoint that travels with it."""
    parts: list[tuple[bytes, int, list[bytes], str]] = []

    def form() -> str:
        parts.append(split_proof(text))
        return "tlog-proof with its entry"

    if not checks.run("form", form):
        return
    body, index, proof, note = parts[0]
    head = check_head(checks, trust, "checkpoint", note, at_least)
    check_cosigned(checks, trust, note)
    if head is None or not checks.passed:
        return

    def inclusion() -> str:
        check_inclusion(body, index, proof, head)
        checks.entry = read_json(body)
        return f"entry {index} is in the log"

    checks.run("inclusion", inclusion)


# --- the whole log ----------------------------------------------------------------------------------------------


def whole(number: object) -> int:
    """A whole number, and nothing that only looks like one."""
    if type(number) is not int:
        raise ValueError("not a whole number")
    return number


def read_lines(lines: Iterable[str]) -> Iterator[tuple[int, bytes, bytes | None]]:
    """Index, leaf hash and body of the entries of an export. A line that cannot be read fails, with its number."""
    for number, text in enumerate(lines, 1):
        try:
            line = json.loads(text)
            body = line.get("body")
            yield whole(line["index"]), bytes.fromhex(line["leaf"]), None if body is None else body.encode()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Failed(f"line {number} of the export is not an entry", number - 1) from error


class Log:
    """An export, read once: every entry hashed, and the root taken at each size a head speaks of. look: is shown the
    body of each."""

    def __init__(self, heads: Iterable[Head], look: Callable[[int, bytes], None] | None = None) -> None:
        self.look = look
        self.tree = Tree()
        self.roots: dict[int, bytes] = {0: self.tree.root()}
        self.heads = sorted(heads, key=lambda head: head.size)
        self.sizes = {head.size for head in self.heads}
        self.wrong: list[str] = []
        self.first_wrong: int | None = None
        self.hidden = 0

    def read(self, lines: Iterable[str], size: int) -> str:
        """The first `size` entries; later ones are not under the checkpoint."""
        for index, stated, body in read_lines(itertools.islice(lines, size)):
            self.add(index, stated, body)
            if self.look is not None and body is not None:
                self.look(index, body)
        if self.wrong:
            raise Failed("; ".join(self.wrong[:SHOWN_MAX]), self.first_wrong)
        if self.tree.size < size:
            raise Failed(f"entry {self.tree.size} and later are missing: {size} were signed", self.tree.size)
        return f"{self.tree.size} entries read, {self.hidden} of them by hash alone"

    def add(self, index: int, stated: bytes, body: bytes | None) -> None:
        """The next entry. The hash of its body counts, not the one stated beside it."""
        expected = self.tree.size
        leaf = stated if body is None else leaf_hash(body)
        self.hidden += body is None
        if index != expected:
            self.note(expected, f"entry {expected} is missing or out of order: the export has {index} there")
        if leaf != stated:
            self.note(expected, f"entry {expected} was altered: it does not have its hash")
        self.tree.add(leaf)
        if self.tree.size in self.sizes:
            self.roots[self.tree.size] = self.tree.root()

    def note(self, index: int, text: str) -> None:
        """Remember what is wrong; the first places are enough."""
        self.first_wrong = index if self.first_wrong is None else self.first_wrong
        if len(self.wrong) < SHOWN_MAX:
            self.wrong.append(text)

    def root(self, head: Head) -> str:
        """The entries are those that were signed."""
        if self.roots.get(head.size) != head.root:
            good = [each.size for each in self.heads if self.roots.get(each.size) == each.root]
            since = f", from entry {good[-1]} on or later" if good else ""
            raise Failed(f"the entries do not lead to the root that was signed{since}", good[-1] if good else None)
        return head.root.hex()

    def goes_on(self, earlier: Head, newest: Head) -> str:
        """The log has all that was signed before, unchanged and in the same order."""
        if earlier.origin != newest.origin:
            raise Failed("the earlier checkpoint is of another log")
        if earlier.size > newest.size:
            text = f"the earlier checkpoint has {earlier.size} entries, the log now {newest.size}: it was cut"
            raise Failed(text, newest.size)
        if self.roots.get(earlier.size) != earlier.root:
            raise Failed(f"the first {earlier.size} entries are not those signed then: the log was rewritten")
        return f"goes on from {earlier.size} entries"


def check_entries(
    checks: Checks,
    lines: Iterable[str],
    newest: Head,
    earlier: list[Head],
    look: Callable[[int, bytes], None] | None = None,
) -> Log:
    """Every entry, the root over them, and whether they go on from what was signed before."""
    log = Log([newest, *earlier], look)
    checks.run("entries", lambda: log.read(lines, newest.size))
    checks.run("root", lambda: log.root(newest))
    for head in earlier:
        checks.run("consistency", partial(log.goes_on, head, newest))
    return log


def check_log(checks: Checks, trust: Trust, arguments: argparse.Namespace) -> int:
    """A whole export against a checkpoint, and against earlier ones. How many entries are signed."""
    note = read_text(arguments.checkpoint)
    newest = check_head(checks, trust, "checkpoint", note, arguments.at_least)
    check_cosigned(checks, trust, note)
    if newest is None:
        return 0
    with Path(arguments.log).open(encoding="utf-8") as file:
        check_entries(checks, file, newest, kept_heads(checks, trust, arguments))
    return newest.size


def kept_heads(checks: Checks, trust: Trust, arguments: argparse.Namespace) -> list[Head]:
    """Checkpoints kept from before; those at which the key changed are some too."""
    heads = [check_head(checks, trust, "earlier checkpoint", read_text(path)) for path in arguments.earlier]
    return [*(head for head in heads if head is not None), *trust.passages]


# --- receipts ---------------------------------------------------------------------------------------------------


def read_receipt(note: str, keys: Iterable[Key]) -> dict[str, str]:
    """What a receipt says, once its signature is verified."""
    text, _ = open_note(note, keys)
    return said_in(text, "justice-gateway/receipt@v1", ("origin", "message", "sender", "received", "digest", "leaf"))


def said_in(text: str, form: str, names: tuple[str, ...]) -> dict[str, str]:
    """The values of a signed text: its form, then a line for each name, in this order and no others."""
    first, *lines = text[:-1].split("\n")
    pairs = [line.partition(" ") for line in lines]
    if first != form or tuple(name for name, _, _ in pairs) != names:
        raise Failed(f"the note is not of the form {form}")
    return {name: value for name, _, value in pairs}


def check_receipt(checks: Checks, trust: Trust, arguments: argparse.Namespace) -> None:
    """A receipt, and whether the entry it promises is in the signed log."""
    values: dict[str, str] = {}

    def signature() -> str:
        values.update(read_receipt(read_text(arguments.receipt), trust.receipts))
        return f"message {values['message']} of {values['sender']}, received {values['received']}"

    def promised(size: int) -> str:
        with Path(arguments.log).open(encoding="utf-8") as file:
            lines = read_lines(itertools.islice(file, size))
            leaves = (stated if body is None else leaf_hash(body) for _, stated, body in lines)
            if not any(leaf.hex() == values["leaf"] for leaf in leaves):
                raise Failed("the entry the receipt promises is not in the log")
        return "the entry the receipt promises is in the signed log"

    if checks.run("receipt", signature) and arguments.log:
        size = check_log(checks, trust, arguments)
        if checks.passed:
            checks.run("promised entry", partial(promised, size))


# --- destruction certificates -------------------------------------------------------------------------------------


def read_certificate(note: str, keys: Iterable[Key]) -> dict[str, Any]:
    """What a destruction certificate says, once its signature is verified: two lines, the second of them JSON."""
    text, _ = open_note(note, keys)
    first, _, body = text.partition("\n")
    said: dict[str, Any] = read_json(body.encode())
    if said["type"] != "gateway/destruction-certificate@v1" or first != f"{said['gateway']}/destruction":
        raise Failed("the note is not a destruction certificate")
    if said["residue"]["result"] != "none":
        raise Failed("the certificate itself says that something could still be read")
    return said


def check_certificate_alone(checks: Checks, trust: Trust, note: str) -> None:
    """A destruction certificate without the log: that the gateway has signed it."""

    def signature() -> str:
        if not trust.receipts:
            raise NotMade("a destruction certificate is signed with the receipt key (--receipt-key)")
        said = read_certificate(note, trust.receipts)
        checks.entry = said
        return f"{said['count']} payloads destroyed, done {said['at']}, {said['method']}"

    checks.run("destruction certificate", signature)


# --- agreements and laws: digests over canonical JSON -------------------------------------------------------------


def canonical(value: object) -> bytes:
    """Canonical JSON of texts, whole numbers, truth values, lists and tables (RFC 8785)."""
    return json.dumps(in_order(value), ensure_ascii=False, separators=(",", ":")).encode()


def in_order(value: object) -> object:
    """Keys by their UTF-16 code units (RFC 8785, 3.2.3)."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    return [in_order(each) for each in value] if isinstance(value, list) else value


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A table in which no key stands twice: a reader would see one, and the digest be of the other."""
    if len(dict(pairs)) != len(pairs):
        raise Failed("a key stands twice in one table")
    return dict(pairs)


def read_json(data: bytes) -> Any:
    """JSON, strictly."""
    try:
        return json.loads(data, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise Failed("not JSON") from error


def json_digest(value: object) -> str:
    """ "sha-256:<hex>" of a text of an agreement or a law."""
    return f"sha-256:{hashlib.sha256(canonical(value)).hexdigest()}"


# --- Covers: signed XML, byte for byte as a gateway writes it -----------------------------------------------------

DS = "http://www.w3.org/2000/09/xmldsig#"
COVER = "{https://gateway.example/ns/cover/1.0/}"
END = b"</cover:Cover>"
SIGNED_COVER = re.compile(
    rb'(<cover:Cover [^<>]*>.*)<ds:Signature xmlns:ds="http://www\.w3\.org/2000/09/xmldsig#"><ds:SignedInfo>(.*)'
    rb"</ds:SignedInfo><ds:SignatureValue>([A-Za-z0-9+/=]+)</ds:SignatureValue><ds:KeyInfo><ds:X509Data>"
    rb"<ds:X509Certificate>([A-Za-z0-9+/=]+)</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    rb"</cover:Cover>",
    re.DOTALL,
)
METHODS = {
    f"http://www.w3.org/2001/04/xmldsig-more#{kind}-{name}": (kind, algorithm)
    for kind in ("ecdsa", "rsa")
    for name, algorithm in (("sha256", hashes.SHA256()), ("sha384", hashes.SHA384()), ("sha512", hashes.SHA512()))
}


def signed_info(method: str, digest: bytes) -> bytes:
    """The content of the only ds:SignedInfo that a Cover may have."""
    c14n = "http://www.w3.org/2001/10/xml-exc-c14n#"
    return (
        f'<ds:CanonicalizationMethod Algorithm="{c14n}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod><ds:Reference URI=""><ds:Transforms>'
        f'<ds:Transform Algorithm="{DS}enveloped-signature"></ds:Transform><ds:Transform Algorithm="{c14n}">'
        '</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256">'
        f"</ds:DigestMethod><ds:DigestValue>{base64.b64encode(digest).decode()}</ds:DigestValue></ds:Reference>"
    ).encode()


class Cover(NamedTuple):
    """A Cover whose signature fits the certificate in it; whose that is, is another question."""

    values: dict[str, Any]
    payload_digest: str
    created: datetime
    certificate: x509.Certificate


def open_cover(data: bytes) -> Cover:
    """A Cover, once the signature in it is verified. It is canonical: its own bytes, cut out, are what is signed."""
    # One signature, looked for before: with thousands of beginnings the search would take hours.
    found = SIGNED_COVER.fullmatch(data) if data.count(b"<ds:Signature ") == 1 else None
    if found is None or b"<ds:" in found[1] or b"<!" in data or b"<?" in data:
        raise Failed("not a Cover as a gateway writes it")
    unsigned, info = found[1] + END, found[2]
    method = next((each for each in METHODS if f'"{each}"'.encode() in info), "")
    if info != signed_info(method, hashlib.sha256(unsigned).digest()):
        raise Failed("the Cover was altered: its signature is over another text")
    try:
        certificate = x509.load_der_x509_certificate(decoded(found[4].decode()))
        check_value(method, certificate, decoded(found[3].decode()), info)
        return cover_values(unsigned, certificate)
    except (ValueError, ElementTree.ParseError, AttributeError, InvalidSignature) as error:
        raise Failed("the signature of the Cover does not fit: forged or altered") from error


def check_value(method: str, certificate: x509.Certificate, value: bytes, info: bytes) -> None:
    """The signature value over the canonical SignedInfo. Raises InvalidSignature or ValueError."""
    text = f'<ds:SignedInfo xmlns:ds="{DS}">'.encode() + info + b"</ds:SignedInfo>"
    (kind, algorithm), key = METHODS[method], certificate.public_key()
    if kind == "rsa" and isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        key.verify(value, text, padding.PKCS1v15(), algorithm)
    elif kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey) and key.key_size in {256, 384}:
        half = key.key_size // 8
        if len(value) != 2 * half:
            raise ValueError("length of an ECDSA value")
        numbers = int.from_bytes(value[:half]), int.from_bytes(value[half:])
        key.verify(encode_dss_signature(*numbers), text, ec.ECDSA(algorithm))
    else:
        raise ValueError("the method is not one for the key")


def cover_values(unsigned: bytes, certificate: x509.Certificate) -> Cover:
    """What the signed text says, by the names that entries of the log have for it."""
    root = ElementTree.fromstring(unsigned)  # noqa: S314  (no DTD: looked for before)

    def one(name: str) -> ElementTree.Element:
        (element,) = root.findall(COVER + name)
        return element

    names = ("Dissemination", "Message", "Sender", "Recipient", "Exchange", "Purpose")
    values: dict[str, Any] = {name.lower(): one(name).text or "" for name in names}
    values["mou"] = f"{one('Mou').text}@{one('Mou').get('version')}"
    values["mou_digest"] = one("Mou").get("digest")
    values["clauses"] = [each.text or "" for each in root.iterfind(f"{COVER}Clause")]
    created = datetime.fromisoformat(one("Created").text or "")
    return Cover(values, one("Payload").get("digest", ""), created, certificate)


def check_certificate(certificate: x509.Certificate, authorities: list[x509.Certificate], at: datetime) -> None:
    """It is, or was issued by, a certificate that was given by hand, and was valid at that moment."""
    if not authorities:
        raise NotMade("whose certificate it is: no authority was given (--authority)")
    behind = [each for each in authorities if certificate == each or issued_by(certificate, each)]
    if not behind:
        raise Failed("the certificate behind the Cover is not of an authority that was given")
    for each in (certificate, behind[0]):
        if not each.not_valid_before_utc <= at <= each.not_valid_after_utc:
            raise Failed("the certificate behind the Cover, or that of its authority, was not valid when it was signed")


def issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether this authority, which may sign certificates, signed it."""
    try:
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return constraints.ca


# --- acts of people: who approved, activated, released, signed ----------------------------------------------------

SIGNATURES = ("signature", "second_signature")
"""What people sign is the whole entry but these."""

SIGNED = ("accounting", "approve", "emergency", "expunge", "review", "withdraw")
"""Types whose entries a person always signs."""


def signer_of(entry: Mapping[str, Any], second: str = "") -> str:
    """Fingerprint of the key that signed. A credential's entry has the credential's own where others have that."""
    return str(entry.get("key" if entry["type"] == "credential" else f"{second}fingerprint", ""))


def check_act(entry: dict[str, Any], public: bytes, second: str = "") -> None:
    """The signature that an entry carries is by this key over all that the entry says. second: of the other person."""
    user = entry["second" if second else "actor"]
    said = {key: value for key, value in entry.items() if key not in SIGNATURES}
    text = f"gateway/act@v2\nuser {user}\nentry {json_digest(said)}\n"
    if not signed_by(public, decoded(entry[f"{second}signature"]), text.encode()):
        raise Failed(f"the signature of {user} does not fit what the entry says was done")


def takes_two(entry: Mapping[str, Any]) -> bool:
    """Whether the act takes two people, as far as its entry shows: any run of destruction may, if it destroys much."""
    if entry["type"] == "destroy":
        return entry.get("kind") == "intent" and entry.get("reason") != "time-is-up"
    return entry["type"] in {"emergency", "expunge"} or (entry["type"], entry.get("action")) == ("tampered", "resume")


def check_signers(entry: Mapping[str, Any]) -> None:
    """Whoever has to sign has, and where the act takes two, or names two, they are two."""
    if "signature" not in entry:
        raise Failed("no person has signed what a person does")
    named = [key for key in ("second", "second_fingerprint", "second_signature") if key in entry]
    if len(named) < (3 if named or takes_two(entry) else 0):
        raise Failed("this takes two people, and one has signed")
    if named and (entry["second"] == entry["actor"] or entry["second_fingerprint"] == entry["fingerprint"]):
        raise Failed("this takes two people, and one has signed twice")


def read_entry(body: bytes) -> dict[str, Any]:
    """An entry, which the log writes in one way only: what says the same in other letters could be read otherwise."""
    entry = read_json(body)
    if not isinstance(entry, dict) or canonical(entry) != body:
        raise Failed("it is not written as the log writes entries")
    return entry


# --- evidence packages --------------------------------------------------------------------------------------------

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*(?:/[A-Za-z0-9][A-Za-z0-9._@+-]*)*")
GOOD = {
    "inclusion": "entries are in the signed log, each at its place",
    "order": "entries, each once, in the order of the log",
    "covers": "Covers are those that the log names, rightly signed, and say what their entries say",
    "certificates": "Covers were signed with a certificate of an authority given",
    "receipts": "receipts are signed, and what they promise was written",
    "agreements": "entries name an agreement whose text is in the package, word for word",
    "laws": "entries name the laws whose texts are in the package, word for word",
    "acts": "signatures of people fit what the log says they did",
    "people": "signatures are by the key that the person has, as given by hand",
    "payloads": "contents are those that were committed to",
    "destructions": "destruction certificates are those that the log names, signed, and intended before",
}
"""The checks of what a package holds, and what is said of those things that pass."""

COMMIT_TAG = b"justice-gateway/commit@v1"


class Package:
    """A zip with entries, their proofs, and what they speak of. Entries are read one by one: it may be long."""

    def __init__(self, checks: Checks, trust: Trust, file: zipfile.ZipFile, size: int) -> None:
        self.checks, self.trust, self.file, self.size = checks, trust, file, size
        self.listed = [name for name in file.namelist() if not name.endswith("/")]
        self.names = set(self.listed)
        self.digests: dict[str, str] = {}
        self.listed_laws: dict[str, list[tuple[str, int, str]]] = {}
        self.met: set[str] = set()
        self.opened: tuple[str, Cover] | None = None
        self.destroyed: dict[str, str] = {}
        self.certified: dict[str, tuple[int, str]] = {}
        self.tallies = {name: Tally(name) for name in GOOD}
        self.verified: set[str] = set()

    def check(self, arguments: argparse.Namespace) -> None:
        """Every check there is."""
        if not self.checks.run("form", self.form):
            return
        self.checks.run("files", self.files)
        for name in sorted(each for each in self.names if each.startswith("rotations/")):
            self.checks.run("key rotation", partial(self._rotation, name))
        note = self.read("checkpoint").decode(errors="replace")
        head = check_head(self.checks, self.trust, "checkpoint", note, arguments.at_least)
        notes = [self.note(name) for name in sorted(self.names) if name.startswith("heads/")]
        self.checks.run("countersignatures", lambda: self.trust.cosigned([note, *notes]))
        self.checks.run("statement", lambda: self.statement(head))
        if head is None:
            return
        if "log.jsonl" in self.names:
            held = [check_head(self.checks, self.trust, "countersigned checkpoint", each) for each in notes]
            kept = kept_heads(self.checks, self.trust, arguments)
            heads = [*filter(None, held), *kept]
            check_entries(self.checks, self.lines("log.jsonl"), head, heads, self.signed_body)
            self.people()
            self.tell("acts", "people")
        if "entries.jsonl" in self.names:
            self.entries(head)
            for _ in arguments.earlier:
                text = "that the log goes on from an earlier checkpoint: some entries alone cannot show it"
                self.checks.run("consistency", partial(not_made, text))

    # the zip itself

    def form(self) -> str:
        """A zip that no two readers can understand differently."""
        if len(self.listed) != len(self.names) or not all(map(NAME.fullmatch, self.listed)):
            raise Failed("two files of the package have one name, or a name that does not belong there")
        if not {"checkpoint", "statement", "files.txt"} <= self.names or (
            len(self.names & {"log.jsonl", "entries.jsonl"}) != 1
        ):
            raise Failed("not an evidence package: no entries or two kinds, no checkpoint, statement or list of files")
        if sum(member.compress_size for member in self.file.infolist()) > self.size:
            raise Failed("files of the package lie over each other in the zip")
        return f"evidence package of {len(self.listed)} files"

    def read(self, name: str) -> bytes:
        """One file, as a whole."""
        if name not in self.names:
            raise NotMade(f"not in the package: {name.partition('/')[0]}")
        if self.file.getinfo(name).file_size > MEMBER_SIZE_MAX:
            raise Failed(f"{name} is larger than such a file can be")
        return b"".join(self.pieces(name))

    def note(self, name: str) -> str:
        """A checkpoint of several: all are held at once, so that none may be long."""
        if self.file.getinfo(name).file_size > LINE_MAX:
            raise Failed(f"{name} is larger than such a file can be")
        return self.read(name).decode(errors="replace")

    def pieces(self, name: str) -> Iterator[bytes]:
        """One file, piece by piece."""
        try:
            with self.file.open(name) as opened:
                while piece := opened.read(LINE_MAX):
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
            raise Failed(f"{name} cannot be read: the zip is damaged") from error

    def lines(self, name: str) -> Iterator[str]:
        """One file, line by line."""
        rest = b""
        for piece in self.pieces(name):
            *whole, rest = (rest + piece).split(b"\n")
            if len(rest) > LINE_MAX:
                raise Failed(f"{name} has a line that is longer than any entry")
            yield from (line.decode(errors="replace") for line in whole)
        if rest:
            yield rest.decode(errors="replace")

    def files(self) -> str:
        """Every file is the one that the list names, and there are no others."""
        listed = {"statement", "files.txt"}
        for line in self.lines("files.txt"):
            digest, _, name = line.partition("  ")
            if name in listed:
                raise Failed(f"{name} stands twice in the list of files, or may not be in it")
            listed.add(name)
            if name not in self.names:
                raise Failed(f"{name} is missing from the package")
            made = hashlib.sha256()
            for piece in self.pieces(name):
                made.update(piece)
            if made.hexdigest() != digest:
                raise Failed(f"{name} is not the file that was handed out: altered")
        if self.names - listed:
            raise Failed(f"{min(self.names - listed)} was put into the package later")
        return f"{len(listed)} files, as they were handed out"

    def statement(self, head: Head | None) -> str:
        """The gateway's signed word that it handed out this list of files, under this checkpoint."""
        if not self.trust.receipts:
            raise NotMade("whether the gateway handed this out: no receipt key was given (--receipt-key)")
        text, signers = open_note(self.read("statement").decode(), self.trust.receipts)
        values = said_in(text, "justice-gateway/evidence@v1", ("origin", "of", "made", "size", "files"))
        if values["files"] != f"sha-256:{hashlib.sha256(self.read('files.txt')).hexdigest()}":
            raise Failed("the statement speaks of other files")
        if head is not None and (values["origin"], values["size"]) != (head.origin, str(head.size)):
            raise Failed("the statement speaks of another checkpoint")
        return f"{values['of']}, handed out {values['made']}, signed by {signers[0].name}"

    def _rotation(self, name: str) -> str:
        return self.trust.rotate(self.read(name).decode())

    # its entries

    def entries(self, head: Head) -> None:
        """Each entry with its proof, and with all that the package has of what the entry speaks of."""
        last = -1
        for number, text in enumerate(self.signed_lines(head.size), 1):
            try:
                line = json.loads(text)
                index, body = whole(line["index"]), line["body"].encode()
                proof = [decoded(each) for each in line["proof"]]
                entry = read_entry(body)
                kind = str(entry["type"])
            except (ValueError, KeyError, TypeError, AttributeError, Failed):
                self.tallies["inclusion"].run(None, partial(fail, f"line {number} of the entries is not an entry"))
                continue
            self.tallies["inclusion"].run(index, partial(check_inclusion, body, index, proof, head))
            self.tallies["order"].run(index, partial(check_order, last, index))
            last = max(last, index)
            self.entry(index, kind, entry, leaf_hash(body))
        self.destructions()
        self.people()
        self.unmet()
        self.tell("inclusion", "order", always=True)
        self.tell(*(name for name in self.tallies if name not in {"inclusion", "order"}))

    def tell(self, *names: str, always: bool = False) -> None:
        """What became of these checks, where there was something to check."""
        for name in names:
            tally = self.tallies[name]
            if always or tally.good or tally.bad or tally.lacking:
                self.checks.run(name, partial(tally.result, GOOD[name]))

    def signed_body(self, index: int, body: bytes) -> None:
        """What people signed of one entry of a whole log."""
        try:
            self.signed(index, read_entry(body))
        except (Failed, *BROKEN):
            self.tallies["acts"].note("it is not written as the log writes entries", index)

    def signed_lines(self, size: int) -> Iterator[str]:
        """Lines of entries, no more than were signed: a megabyte of zip can hold a thousand megabytes of lines."""
        lines = self.lines("entries.jsonl")
        yield from itertools.islice(lines, size)
        if next(lines, None) is not None:
            text = f"there are more entries than the {size} that were signed"
            self.tallies["order"].run(None, partial(fail, text))

    def entry(self, index: int, kind: str, entry: dict[str, Any], leaf: bytes) -> None:
        """What belongs to one entry. One that is not in the log is held against its files all the same."""
        run = {name: partial(tally.run, index) for name, tally in self.tallies.items()}
        if "cover_digest" in entry:
            run["covers"](partial(self.cover, entry))
            run["certificates"](partial(self.certificate, entry))
        if kind == "receive":
            run["receipts"](partial(self.receipt, entry, leaf))
        if "mou_digest" in entry:
            run["agreements"](partial(self.agreement, entry))
        if "laws" in entry:
            run["laws"](partial(self.laws, entry))
        self.signed(index, entry)
        if kind == "destroy":
            self.destroyed[leaf.hex()] = str(entry["id"])
            if "document" in entry and "run" in entry:
                self.certified[str(entry["run"])] = index, str(entry["document"])
        if "commit" in entry and (name := f"payloads/{content_id(entry)}") in self.names:
            run["payloads"](partial(self.payload, entry, name))

    def destructions(self) -> None:
        """Every certificate of destruction that is here, or that an entry names."""
        here = {name.removeprefix("destructions/") for name in self.names if name.startswith("destructions/")}
        for run in sorted(here | self.certified.keys()):
            index, document = self.certified.get(run, (None, ""))
            self.tallies["destructions"].run(index, partial(self.destruction, run, document))

    def destruction(self, run: str, document: str) -> None:
        """One certificate: it is the one that the log names, signed, and the intent it names was written before."""
        data = self.read(f"destructions/{run}")
        if document and f"sha-256:{hashlib.sha256(data).hexdigest()}" != document:
            raise Failed(f"the certificate of run {run} is another one than the log names")
        if not self.trust.receipts:
            raise NotMade("no receipt key was given (--receipt-key)")
        said = read_certificate(data.decode(errors="replace"), self.trust.receipts)
        if said["id"] != run:
            raise Failed(f"the certificate of run {run} is one of another run")
        if self.destroyed.get(said["log"]["leaf"]) != said["log"]["entry"]:
            text = f"the certificate of run {run} names an entry that is not here: its leaf is missing"
            raise Failed(text, said["log"]["index"])

    def unmet(self) -> None:
        """Files that no entry speaks of: a promise without its entry, or something that was slipped in."""
        tallies = {"covers/": "covers", "receipts/": "receipts", "payloads/": "payloads"}
        for name in sorted(self.names - self.met):
            folder = name[: name.find("/") + 1]
            if folder in tallies:
                text = f"{name} speaks of an entry that is not here: its leaf is missing"
                self.tallies[tallies[folder]].run(None, partial(fail, text))

    def cover(self, entry: dict[str, Any]) -> None:
        """The Cover that the entry names by its digest, and that it says what the entry says."""
        name = f"covers/{entry['dissemination']}.xml"
        self.met.add(name)
        if f"sha-256:{hashlib.sha256(self.read(name)).hexdigest()}" != entry["cover_digest"]:
            raise Failed(f"the Cover of {entry['dissemination']} is another one than the log names")
        for key, value in self.open(entry).values.items():
            if key in entry and entry[key] != value:
                raise Failed(f"the Cover and the entry differ in {key}")

    def certificate(self, entry: dict[str, Any]) -> None:
        """Whose certificate the Cover was signed with."""
        try:
            cover = self.open(entry)
        except Failed as error:
            raise NotMade("the Cover itself is not good") from error
        check_certificate(cover.certificate, self.trust.authorities, cover.created)

    def open(self, entry: dict[str, Any]) -> Cover:
        """The Cover of an entry, verified; the last one is remembered, for several checks ask for it."""
        name = f"covers/{entry['dissemination']}.xml"
        if self.opened is None or self.opened[0] != name:
            self.opened = name, open_cover(self.read(name))
        return self.opened[1]

    def receipt(self, entry: dict[str, Any], leaf: bytes) -> None:
        """The receipt of a message, and that its leaf is this entry."""
        name = f"receipts/{entry['message']}"
        self.met.add(name)
        note = self.read(name).decode(errors="replace")
        if not self.trust.receipts:
            raise NotMade("no receipt key was given (--receipt-key)")
        values = read_receipt(note, self.trust.receipts)
        if values["leaf"] != leaf.hex():
            raise Failed("the entry that the receipt promises is another one: its leaf is missing")
        if (values["message"], values["sender"], values["received"]) != (
            entry["message"],
            entry["sender"],
            entry["at"],
        ):
            raise Failed("the receipt is of another message, or another moment")

    def agreement(self, entry: dict[str, Any]) -> None:
        """The text of the agreement is the one with this digest."""
        self.text(f"agreements/{entry['mou']}.json", entry["mou_digest"], "agreement")

    def laws(self, entry: dict[str, Any]) -> None:
        """The laws decided under: the list with this digest, and the text of each law in it."""
        name = f"laws/{str(entry['laws']).removeprefix('sha-256:')}.json"
        self.text(name, entry["laws"], "list of laws")
        if name not in self.listed_laws:
            self.listed_laws[name] = [(id, version, digest) for id, version, digest, *_ in read_json(self.read(name))]
        for id, version, digest in self.listed_laws[name]:
            self.text(f"laws/{id}@{version}.json", digest, f"law {id}")

    def text(self, name: str, digest: str, what: str) -> None:
        """A text by the digest of its canonical form, which is taken once."""
        if name not in self.digests:
            self.digests[name] = json_digest(read_json(self.read(name)))
        if self.digests[name] != digest:
            raise Failed(f"the text of the {what} in {name} is not the one that was decided under: altered")

    def signed(self, index: int, entry: dict[str, Any]) -> None:
        """The signatures of people that an entry carries, or must, each by itself."""
        if entry["type"] in SIGNED or takes_two(entry) or not entry.keys().isdisjoint(SIGNATURES):
            for second in ("", "second_") if "second_signature" in entry else ("",):
                self.tallies["acts"].run(index, partial(self.act, entry, second))
        for second in ("", "second_"):
            if entry.get("second" if second else "actor") in self.trust.people:
                self.tallies["people"].run(index, partial(self.person, entry, second))

    def act(self, entry: dict[str, Any], second: str) -> None:
        """A person's signature, by the key whose fingerprint the entry names."""
        check_signers(entry)
        check_act(entry, self.key_of(signer_of(entry, second)), second)

    def key_of(self, fingerprint: str) -> bytes:
        """A person's key, out of the package."""
        if f"people/{fingerprint}.key" not in self.names:
            raise NotMade("no key of the person who signed is in the package")
        public = self.read(f"people/{fingerprint}.key").decode().strip()
        if not re.fullmatch("[0-9a-f]{64}", public) or hashlib.sha256(bytes.fromhex(public)).hexdigest() != fingerprint:
            raise Failed("the key in the package is not the one whose fingerprint the log names")
        return bytes.fromhex(public)

    def person(self, entry: dict[str, Any], second: str) -> None:
        """Whether it was this person who signed, by a key that was given."""
        user = str(entry["second" if second else "actor"])
        if f"{second}signature" not in entry:
            raise NotMade(f"{user} is named and has not signed")
        fingerprint, given = signer_of(entry, second), self.trust.people[user]
        if fingerprint not in given:
            raise Failed(f"the key by which {user} signed is not the one that was given: somebody else's")
        try:
            public = given[fingerprint] or self.key_of(fingerprint)
        except NotMade as reason:
            raise Failed(f"the key of {user} was left out of the package: nothing shows who signed") from reason
        check_act(entry, public, second)
        self.verified.add(user)

    def people(self) -> None:
        """Whoever's key was given is expected to have signed something."""
        for user in self.trust.people.keys() - self.verified:
            text = f"nothing in the package is signed by {user}, whose key was given"
            self.tallies["people"].run(None, partial(fail, text))

    def payload(self, entry: dict[str, Any], name: str) -> None:
        """A content that was laid open: with its salt it gives the commitment that was logged when it was sent."""
        self.met |= {name, f"{name}.opening"}
        opening = read_json(self.read(f"{name}.opening"))
        try:
            salt, sender_id = bytes.fromhex(opening["salt"]), str(opening["sender_id"]).encode()
        except (KeyError, TypeError, ValueError) as error:
            raise Failed(f"{name}.opening has not the salt and the id") from error
        content = self.read(name)
        made = hashlib.sha256(COMMIT_TAG + salt + len(sender_id).to_bytes(4) + sender_id + content).hexdigest()
        if made != entry["commit"]:
            raise Failed(f"the content {name} is not the one that was committed to")
        if "cover_digest" in entry:
            digest = self.open(entry).payload_digest
            if digest != f"sha-256:{hashlib.sha256(content).hexdigest()}":
                raise Failed(f"the content {name} is not the one its Cover was signed for")


def content_id(entry: dict[str, Any]) -> str:
    """By what a content lies in a package: the dissemination, or the message when it is the original."""
    return str(entry.get("dissemination") or entry.get("message"))


def check_order(last: int, index: int) -> None:
    """Entries stand in the order of the log."""
    if index <= last:
        raise Failed(f"entry {index} stands after entry {last}: reordered or repeated", index)


def fail(text: str) -> Any:
    """Fail."""
    raise Failed(text)


def not_made(text: str) -> str:
    """Say what could not be checked."""
    raise NotMade(text)


def check_package(checks: Checks, trust: Trust, arguments: argparse.Namespace) -> None:
    """An evidence package."""
    try:
        with zipfile.ZipFile(arguments.evidence) as file:
            Package(checks, trust, file, Path(arguments.evidence).stat().st_size).check(arguments)
    except (Failed, NotMade) as error:
        checks.run("form", partial(fail, str(error)))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, *BROKEN):
        checks.run("form", partial(fail, "the package is a damaged zip"))


# --- command ----------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        description="Verify what a gateway handed out, without the gateway.",
        epilog="A KEY is its text, name+id+key, or a file with it. Exit status: 0 passed, 1 failed, 2 usage.",
    )
    several: dict[str, Any] = {"action": "append", "default": []}
    made.add_argument("evidence", nargs="?", help="evidence package, evidence of one entry, or destruction certificate")
    made.add_argument("--key", **several, help="key of the log, given to you by hand; may be repeated")
    made.add_argument(
        "--rotation", **several, metavar="FILE", help="checkpoint at which the log got a new key; in order"
    )
    made.add_argument("--receipt-key", **several, metavar="KEY", help="key of the gateway's receipts")
    made.add_argument("--witness", **several, metavar="KEY", help="key of a partner that countersigns; may be repeated")
    made.add_argument("--witnesses", type=int, default=0, metavar="N", help="so many partners must have countersigned")
    made.add_argument(
        "--authority", **several, metavar="FILE", help="certificate (PEM) behind the signatures on Covers"
    )
    made.add_argument(
        "--person", **several, metavar="USER=KEY", help="whose a key is: its fingerprint, or a file with it (PEM)"
    )
    made.add_argument("--log", help="export of the whole log, one JSON object a line")
    made.add_argument("--checkpoint", help="the log's newest signed checkpoint")
    made.add_argument("--earlier", **several, help="a checkpoint kept from before; may be repeated")
    made.add_argument("--at-least", type=int, default=0, metavar="SIZE", help="the log is known to have this many")
    made.add_argument("--receipt", help="a receipt to check; with --log also that its entry was written")
    made.add_argument("--json", action="store_true", help="print the checks as JSON")
    return made


def key_of(word: str, kind: int = ED25519) -> Key:
    """A key given as text, or as a file with it."""
    return read_key(word if "+" in word else read_text(word), kind)


def read_text(path: str) -> str:
    """A file named on the command line."""
    return Path(path).read_text(encoding="utf-8")


def person_of(word: str) -> tuple[str, str, bytes | None]:
    """An account, the fingerprint of a key that the person says is theirs, and the key when it is given as a file."""
    user, _, key = word.partition("=")
    if not user or not key:
        raise Failed("a person is given as USER=KEY")
    if re.fullmatch("[0-9a-f]{64}", key):
        return user, key, None
    try:
        public = serialization.load_pem_public_key(Path(key).read_bytes())
    except ValueError as error:
        raise Failed(f"{key} is neither a fingerprint of 64 hex digits nor a public key in PEM form") from error
    if not isinstance(public, Ed25519PublicKey):
        raise Failed(f"{key} is not the key of a person: those are of Ed25519")
    return user, hashlib.sha256(public.public_bytes_raw()).hexdigest(), public.public_bytes_raw()


def given_trust(trust: Trust, arguments: argparse.Namespace) -> str:
    """The keys and certificates of the command line."""
    trust.logs = [key_of(word) for word in arguments.key]
    trust.receipts = [key_of(word) for word in arguments.receipt_key]
    trust.witnesses = [key_of(word, COSIGNATURE) for word in arguments.witness]
    trust.witnesses_least = arguments.witnesses
    for user, fingerprint, public in map(person_of, arguments.person):
        trust.people.setdefault(user, {})[fingerprint] = public
    for path in arguments.authority:
        try:
            trust.authorities += x509.load_pem_x509_certificates(Path(path).read_bytes())
        except ValueError as error:
            raise Failed(f"{path} is not a certificate in PEM form") from error
    return ", ".join(dict.fromkeys(key.name for key in (*trust.logs, *trust.receipts)))


def main(words: list[str] | None = None) -> int:
    """Run the checks that were asked for and print each."""
    made = parser()
    arguments = made.parse_args(words)
    if not (arguments.evidence or arguments.receipt or (arguments.log and arguments.checkpoint)):
        made.error("give an evidence package, an evidence file, a receipt, or --log and --checkpoint")
    if arguments.receipt and not arguments.receipt_key:
        made.error("a receipt is checked with --receipt-key")
    if not arguments.key and (arguments.log or not arguments.receipt_key):
        made.error("give the log's key by hand: --key")
    if arguments.witnesses > len(arguments.witness):
        made.error("more partners are to have countersigned than keys of partners are given: --witness")
    if arguments.log and not arguments.checkpoint:
        made.error("an export alone proves nothing: --log needs --checkpoint")
    checks, trust = Checks(), Trust()
    try:
        if checks.run("key", lambda: given_trust(trust, arguments)):
            check(checks, trust, arguments)
    except (OSError, UnicodeDecodeError) as error:
        made.error(f"a file cannot be read: {getattr(error, 'filename', None) or 'not UTF-8 text'}")
    report(checks, as_json=arguments.json)
    return 0 if checks.passed else 1


def check(checks: Checks, trust: Trust, arguments: argparse.Namespace) -> None:
    """What was asked for."""
    for path in arguments.rotation:
        checks.run("key rotation", partial(trust.rotate, read_text(path)))
    if arguments.person and not (arguments.evidence and arguments.evidence.endswith(".zip")):
        checks.run("people", partial(fail, "who signed is verified in an evidence package (.zip) only"))
    if arguments.evidence:
        with Path(arguments.evidence).open("rb") as file:
            is_zip = file.read(2) == b"PK"
        if is_zip:
            check_package(checks, trust, arguments)
        elif (text := read_text(arguments.evidence)).partition("\n")[0].endswith("/destruction"):
            check_certificate_alone(checks, trust, text)
        else:
            check_evidence(checks, trust, text, arguments.at_least)
    elif arguments.receipt:
        check_receipt(checks, trust, arguments)
    else:
        check_log(checks, trust, arguments)


def report(checks: Checks, *, as_json: bool) -> None:
    """Print every check, those that were not made too."""
    if as_json:
        done = [asdict(check) for check in checks.done]
        text = json.dumps({"passed": checks.passed, "checks": done, "entry": checks.entry}, indent=2)
    else:
        words = {True: "ok        ", False: "FAILED    ", None: "not made  "}
        lines = [f"{words[check.passed]}{check.name}: {check.text}" for check in checks.done]
        made = sum(check.passed is not None for check in checks.done)
        lines += ["", f"{'PASSED' if checks.passed else 'FAILED'}: {made} checks made, {len(checks.done) - made} not"]
        if checks.entry is not None and checks.passed:
            lines += ["", *json.dumps(checks.entry, indent=2).split("\n")]
        # What a made-up file says must not move the cursor and paint a verdict of its own.
        text = "\n".join("".join(sign if sign.isprintable() else "?" for sign in line) for line in lines)
    # A console that lacks a letter must not end the verdict.
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


if __name__ == "__main__":
    sys.exit(main())
