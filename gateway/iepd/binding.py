"""Binding: a field catalog holds for the schema set it was confirmed for.

`fields.yaml` carries that set's digest (`schema_set`) and, at each field, the mark of its type (`type`). With another
schema set a field keeps its label only while its path is there and its type is the same; all others are unclassified,
and so withheld, until an officer confirms the catalog for the new set.
"""

import hashlib
import json
from dataclasses import astuple

from gateway.iepd.catalog import ValueType


def type_mark(value: ValueType) -> str:
    """What a value may be in a word, "date"; with the start of a digest where a word does not say all: "code-1f0c9a2b".

    Two types have one mark exactly when the same values are allowed in the same form.
    """
    if value == ValueType(kind=value.kind, builtin=value.builtin):
        return value.builtin or "empty"
    text = json.dumps(astuple(value), separators=(",", ":"))
    return f"{value.kind}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
