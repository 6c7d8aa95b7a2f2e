"""Titles of many fields in one line, for the paper and for editors."""

from collections.abc import Iterable


def grouped(titles: Iterable[str]) -> str:
    """Titles with what they have in common said once: "Alias: first name, last name; Nickname"."""
    found: dict[str, list[str]] = {}
    for title in titles:
        stem, _, last = title.rpartition(", ")
        found.setdefault(stem or title, []).append(last if stem else "")
    parts = []
    for stem, lasts in found.items():
        own = [stem] if "" in lasts else []
        below = [each for each in lasts if each]
        if len(below) > 1:
            own.append(f"{stem}: {', '.join(below)}")
        elif below:
            own.append(f"{stem}, {below[0]}")
        parts += own
    return "; ".join(parts)


def shortened(titles: Iterable[str], length_max: int) -> str:
    """The same, cut off after a whole part where it grows longer than this."""
    text = grouped(titles)
    if len(text) <= length_max:
        return text
    kept = text[:length_max]
    return f"{kept[: max(kept.rfind('; '), kept.rfind(', '))]} …"
