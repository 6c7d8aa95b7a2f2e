"""Labels: what agreements, law packs and consents call fields by. "medical.*" is `medical` and every label below it."""

import re
from collections.abc import Iterable

LABEL = re.compile(r"[a-z][a-z0-9]*([.\-][a-z0-9]+)*(\.\*)?|\*")
"""A label, a label with all below it, or "*" for every label there is."""


def covers(word: str, label: str) -> bool:
    """Whether a word speaks of a label."""
    if word == "*":
        return True
    if not word.endswith(".*"):
        return word == label
    stem = word[:-2]
    return label == stem or label.startswith(f"{stem}.")


def any_covers(words: Iterable[str], label: str) -> bool:
    """Whether one of the words does."""
    return any(covers(word, label) for word in words)
