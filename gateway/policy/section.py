"""Sections of law as codes, so that the log can name them: "28 CFR 23.20(h)" is "28-cfr-23.20-h"."""

import re

_OTHER = re.compile(r"[^a-z0-9.]+")
_EDGE = re.compile(r"\.(?![a-z0-9])|(?<![a-z0-9])\.")

LENGTH_MAX = 100


def code_of(section: str) -> str:
    """The code of a section; never empty, never anything but lower case letters, digits, hyphens and points."""
    words = _OTHER.sub("-", section.lower())
    return _EDGE.sub("", words).strip("-.")[:LENGTH_MAX].strip("-.") or "law"
