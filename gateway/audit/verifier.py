#!/usr/bin/env python3
"""Verify a gateway's audit log, or one entry of it, without the gateway.

This file stands alone: Python 3.11 and the package `cryptography`, nothing else. Take it from a source you trust, not
from the gateway you check, and have the log's key given to you by hand.

    python verifier.py ENTRY.tlog-proof --key KEY        one entry: is it in the signed log?
    python verifier.py --log EXPORT --checkpoint HEAD --key KEY        the whole log: is it the signed one?
        … --earlier OLD_HEAD --at-least SIZE             and does it go on from a head kept from before?
    python verifier.py --receipt RECEIPT --key RECEIPT_KEY        is it a receipt of this gateway?
        … --log EXPORT --checkpoint HEAD --log-key KEY        and was the entry that it promises written and signed?

KEY is a key's text, name+id+key, or a file that holds it. Exit status: 0 every check passed, 1 one failed, 2 usage.

Formats: RFC 9162 section 2.1 (tree), c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-proof; an export is
one JSON object a line: index, leaf (hex), and body (text), or no body where the entry is not for you to read.
"""

import argparse
import base64
import hashlib
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SHOWN_MAX = 20


class Failed(Exception):
    """A check failed; the text says what is wrong."""


class Key(NamedTuple):
    """A public key that was given by hand."""

    name: str
    id: bytes
    public: bytes


class Head(NamedTuple):
    """A verified checkpoint."""

    origin: str
    size: int
    root: bytes


# --- formats ----------------------------------------------------------------------------------------------------


def decoded(text: str) -> bytes:
    """Bytes of a base64 text."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Failed("not base64 where base64 is expected") from error


def read_key(text: str) -> Key:
    """A key from its text name+id+key; the id guards against typing errors."""
    name, _, rest = text.strip().partition("+")
    digits, _, encoded = rest.partition("+")
    public = decoded(encoded)
    if not name or len(public) != 33 or public[0] != 1:
        raise Failed("the key is not of the form name+id+key, Ed25519")
    key = Key(name, hashlib.sha256(name.encode() + b"\n" + public).digest()[:4], public[1:])
    if key.id.hex() != digits:
        raise Failed("the id in the key is not that of its name and key: a typing error?")
    return key


def open_note(note: str, key: Key) -> str:
    """The text of a signed note, when this key has signed it."""
    text, gap, signatures = note.rpartition("\n\n")
    text += "\n"
    if not gap or not signatures.endswith("\n"):
        raise Failed("not a signed note: text, an empty line, signature lines")
    signed = False
    for line in signatures[:-1].split("\n"):
        name, _, encoded = line.removeprefix("— ").partition(" ")
        signature = decoded(encoded)
        if (name, signature[:4]) == (key.name, key.id):
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], text.encode())
            except InvalidSignature as error:
                raise Failed(f"the signature of {name} does not fit the text: forged or altered") from error
            signed = True
    if not signed:
        raise Failed(f"no signature by {key.name}: another key signed it")
    return text


def read_head(note: str, key: Key) -> Head:
    """A checkpoint, when this key has signed it."""
    lines = open_note(note, key)[:-1].split("\n")
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


# --- checks: each gives what it found good, or raises Failed ---------------------------------------------------------


class Checks:
    """Runs checks one after the other and remembers each: name, whether it passed, what was found."""

    def __init__(self) -> None:
        self.done: list[tuple[str, bool, str]] = []
        self.entry: Any = None

    def run(self, name: str, check: Callable[[], str]) -> bool:
        """Whether it passed."""
        try:
            self.done.append((name, True, check()))
        except Failed as failed:
            self.done.append((name, False, str(failed)))
        return self.done[-1][1]

    def head(self, name: str, note: str, key: Key) -> Head | None:
        """A checkpoint whose signature is checked."""
        found: list[Head] = []

        def check() -> str:
            found.append(read_head(note, key))
            return f"{found[0].origin}, {found[0].size} entries, signed by {key.name}"

        return found[0] if self.run(name, check) else None

    @property
    def passed(self) -> bool:
        """All of them, and at least one."""
        return bool(self.done) and all(passed for _, passed, _ in self.done)


def large_enough(head: Head, at_least: int) -> str:
    """Whoever shows an old checkpoint hides what came after it."""
    if head.size < at_least:
        raise Failed(f"{head.size} entries, and {at_least} are known: an old checkpoint is shown again")
    return f"at least {at_least} entries"


def check_evidence(checks: Checks, text: str, key: Key, at_least: int) -> None:
    """One entry against the checkpoint that travels with it."""
    top, _, note = text.partition("\n\n")
    lines = top.split("\n")
    if not checks.run("form", lambda: is_evidence(lines)):
        return
    head = checks.head("checkpoint", note, key)
    if head is None or (at_least and not checks.run("size", lambda: large_enough(head, at_least))):
        return
    if checks.run("inclusion", lambda: included(lines, head)):
        checks.entry = json.loads(decoded(lines[1][6:]))


def is_evidence(lines: list[str]) -> str:
    """The file is a tlog-proof that carries its entry."""
    starts = ("c2sp.org/tlog-proof@v1", "extra ", "index ")
    if len(lines) < 3 or not all(map(str.startswith, lines, starts)) or not lines[2][6:].isdecimal():
        raise Failed("not a tlog-proof file with its entry and the entry's index")
    return "tlog-proof with its entry"


def included(lines: list[str], head: Head) -> str:
    """The entry's hash and the proof lead to the root."""
    body, index, proof = decoded(lines[1][6:]), int(lines[2][6:]), [decoded(line) for line in lines[3:]]
    if index >= head.size or any(len(each) != 32 for each in proof):
        raise Failed("the proof is not one of an entry of this log")
    if root_of_proof(leaf_hash(body), index, head.size, proof) != head.root:
        raise Failed("this entry is not in the log at this place: entry, index or proof was altered")
    return f"entry {index} is in the log"


def read_lines(lines: Iterable[str]) -> Iterator[tuple[int, bytes, bytes | None]]:
    """Index, leaf hash and body of the entries of an export. A line that cannot be read fails, with its number."""
    for number, text in enumerate(lines, 1):
        try:
            line = json.loads(text)
            body = line.get("body")
            yield int(line["index"]), bytes.fromhex(line["leaf"]), None if body is None else body.encode()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Failed(f"line {number} of the export is not an entry") from error


class Log:
    """An export, read once: every entry hashed, and the root taken at each size a head speaks of."""

    def __init__(self, heads: Iterable[Head]) -> None:
        self.tree = Tree()
        self.roots: dict[int, bytes] = {0: self.tree.root()}
        self.sizes = {head.size for head in heads}
        self.wrong: list[str] = []
        self.hidden = 0

    def read(self, path: str, size: int) -> str:
        """The first `size` entries; later ones are not under the checkpoint."""
        with Path(path).open(encoding="utf-8") as file:
            for index, stated, body in read_lines(itertools.islice(file, size)):
                self.add(index, stated, body)
        if self.wrong:
            raise Failed("; ".join(self.wrong[:SHOWN_MAX]))
        if self.tree.size < size:
            raise Failed(f"entry {self.tree.size} and later are missing: {size} were signed")
        return f"{self.tree.size} entries read, {self.hidden} of them by hash alone"

    def add(self, index: int, stated: bytes, body: bytes | None) -> None:
        """The next entry. The hash of its body counts, not the one stated beside it."""
        expected = self.tree.size
        leaf = stated if body is None else leaf_hash(body)
        self.hidden += body is None
        if index != expected:
            self.wrong.append(f"entry {expected} is missing or out of order: the export has {index} there")
        if leaf != stated:
            self.wrong.append(f"entry {expected} was altered: it does not have its hash")
        self.tree.add(leaf)
        if self.tree.size in self.sizes:
            self.roots[self.tree.size] = self.tree.root()

    def root(self, head: Head) -> str:
        """The entries are those that were signed."""
        if self.roots.get(head.size) != head.root:
            raise Failed("the entries do not lead to the root that was signed")
        return head.root.hex()

    def goes_on(self, earlier: Head, newest: Head) -> str:
        """The log has all that was signed before, unchanged and in the same order."""
        if earlier.origin != newest.origin:
            raise Failed("the earlier checkpoint is of another log")
        if earlier.size > newest.size:
            raise Failed(f"the earlier checkpoint has {earlier.size} entries, the log now {newest.size}: it was cut")
        if self.roots.get(earlier.size) != earlier.root:
            raise Failed(f"the first {earlier.size} entries are not those signed then: the log was rewritten")
        return f"goes on from {earlier.size} entries"


def check_log(checks: Checks, arguments: argparse.Namespace, key: Key) -> int:
    """A whole export against a checkpoint, and against earlier ones. How many entries are signed."""
    newest = checks.head("checkpoint", read_text(arguments.checkpoint), key)
    if newest is None:
        return 0
    heads = [checks.head("earlier checkpoint", read_text(path), key) for path in arguments.earlier]
    earlier = [head for head in heads if head is not None]
    log = Log([newest, *earlier])
    if arguments.at_least:
        checks.run("size", lambda: large_enough(newest, arguments.at_least))
    checks.run("entries", lambda: log.read(arguments.log, newest.size))
    checks.run("root", lambda: log.root(newest))
    for head in earlier:
        checks.run("consistency", partial(log.goes_on, head, newest))
    return newest.size


def check_receipt(checks: Checks, arguments: argparse.Namespace, key: Key) -> None:
    """A receipt, and whether the entry it promises is in the signed log."""
    values: dict[str, str] = {}

    def signature() -> str:
        first, *lines = open_note(read_text(arguments.receipt), key).splitlines()
        values.update((name, value) for name, _, value in (line.partition(" ") for line in lines))
        if first != "justice-gateway/receipt@v1" or "leaf" not in values:
            raise Failed("the note is not a receipt")
        return f"message {values.get('message')} of {values.get('sender')}, received {values.get('received')}"

    def promised(size: int) -> str:
        with Path(arguments.log).open(encoding="utf-8") as file:
            lines = read_lines(itertools.islice(file, size))
            leaves = (stated if body is None else leaf_hash(body) for _, stated, body in lines)
            if not any(leaf.hex() == values["leaf"] for leaf in leaves):
                raise Failed("the entry the receipt promises is not in the log")
        return "the entry the receipt promises is in the signed log"

    if checks.run("receipt", signature) and arguments.log:
        if not (arguments.checkpoint and arguments.log_key):
            parser().error("an export alone proves nothing: with --receipt, --log needs --checkpoint and --log-key")
        size = check_log(checks, arguments, key_of(arguments.log_key))
        if checks.passed:
            checks.run("promised entry", partial(promised, size))


# --- command ----------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description="Verify a gateway's audit log without the gateway.")
    made.add_argument("evidence", nargs="?", help="evidence file of one entry (.tlog-proof)")
    made.add_argument("--key", required=True, help="key of the log (or of receipts): its text, or a file with it")
    made.add_argument("--log", help="export of the whole log, one JSON object a line")
    made.add_argument("--checkpoint", help="the log's newest signed checkpoint")
    made.add_argument("--earlier", action="append", default=[], help="a checkpoint kept from before; may be repeated")
    made.add_argument("--at-least", type=int, default=0, metavar="SIZE", help="the log is known to have this many")
    made.add_argument("--receipt", help="a receipt to check; with --log also that its entry was written")
    made.add_argument("--log-key", help="with --receipt: key of the log, while --key is that of receipts")
    made.add_argument("--json", action="store_true", help="print the checks as JSON")
    return made


def key_of(word: str) -> Key:
    """A key given as text, or as a file with it."""
    return read_key(word if "+" in word else read_text(word))


def read_text(path: str) -> str:
    """A file named on the command line."""
    return Path(path).read_text(encoding="utf-8")


def main(words: list[str] | None = None) -> int:
    """Run the checks that were asked for and print each."""
    arguments = parser().parse_args(words)
    checks = Checks()
    keys: list[Key] = []

    def key() -> str:
        keys.append(key_of(arguments.key))
        return keys[0].name

    try:
        if checks.run("key", key):
            if arguments.evidence:
                check_evidence(checks, read_text(arguments.evidence), keys[0], arguments.at_least)
            elif arguments.receipt:
                check_receipt(checks, arguments, keys[0])
            elif arguments.log and arguments.checkpoint:
                check_log(checks, arguments, keys[0])
            else:
                parser().error("give an evidence file, a receipt, or --log and --checkpoint")
    except (OSError, UnicodeDecodeError) as error:
        parser().error(f"a file cannot be read: {getattr(error, 'filename', None) or 'not UTF-8 text'}")
    report(checks, as_json=arguments.json)
    return 0 if checks.passed else 1


def report(checks: Checks, *, as_json: bool) -> None:
    """Print every check."""
    if as_json:
        done = [{"name": name, "passed": passed, "text": text} for name, passed, text in checks.done]
        text = json.dumps({"passed": checks.passed, "checks": done, "entry": checks.entry}, indent=2)
    else:
        lines = [f"{'ok    ' if passed else 'FAILED'}  {name}: {text}" for name, passed, text in checks.done]
        if checks.entry is not None and checks.passed:
            lines += ["", json.dumps(checks.entry, indent=2)]
        text = "\n".join(lines)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
