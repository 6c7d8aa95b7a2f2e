"""Binding: a field catalog holds for the schema set it was confirmed for.

`fields.yaml` carries that set's digest (`schema_set`) and, at each field, the mark of its type (`type`). With another
schema set a field keeps its label only while its path is there and its type is the same; all others are unclassified,
and so withheld, until an officer confirms the catalog for the new set.
"""

import hashlib
import json
from dataclasses import fields

from gateway.iepd.catalog import ValueType


def type_mark(value: ValueType) -> str:
    """What a value may be in a word, "date"; with the start of a digest where a word does not say all: "code-1f0c9a2b".

    Two types have one mark exactly when the same values are allowed in the same form.
    """
    if value == ValueType(kind=value.kind, builtin=value.builtin):
        return value.builtin or "empty"
    # Only what is asked of the value: a word that `ValueType` learns later changes no mark that is written already.
    asked = {each.name: told for each in fields(value) if (told := getattr(value, each.name)) != each.default}
    text = json.dumps(asked, separators=(",", ":"), sort_keys=True)
    return f"{value.kind}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
