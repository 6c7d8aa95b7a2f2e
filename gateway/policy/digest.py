"""The digest of an agreement: over what it says, not over how the file is laid out.

Comments, order of keys, quotes and line breaks between values do not count; approvals do not either, because
they are given over the digest.
"""

import json
from hashlib import sha256

from gateway.document.source import Items, Node, Table, Value, read_source

_OUTSIDE = frozenset({"approvals"})


def digest(data: bytes) -> str:
    """ "sha-256:<hex>" of an agreement's file. Raises ValueError for a file that cannot be read as YAML."""
    root, findings = read_source(data, "")
    if root is None or findings:
        raise ValueError("only a file that can be read has a digest")
    return digest_of(root)


def digest_of(root: Table) -> str:
    """The same, of the file's root table."""
    return f"sha-256:{sha256(canonical(content(root))).hexdigest()}"


def content(root: Table) -> dict[str, object]:
    """What the digest is taken over."""
    return {key: plain(node) for key, node in root.entries.items() if key not in _OUTSIDE}


def plain(node: Node) -> object:
    """The node as texts, numbers, truth values, lists and dicts."""
    if isinstance(node, Value):
        return node.value
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key: plain(entry) for key, entry in node.entries.items()}


def canonical(value: object) -> bytes:
    """Canonical JSON of texts, whole numbers, truth values, lists and dicts.

    Source: RFC 8785. Keys are sorted by their UTF-16 code units (section 3.2.3).
    """
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
