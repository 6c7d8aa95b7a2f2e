"""Sound: how a name sounds, roughly, so that one who misspells it finds it; and how alike two names are.

The rule is fixed: what was filed under a sound years ago is looked for under the same one. It is Soundex (Russell and
Odell 1918; the letters' groups are theirs) with three changes: the first letter is coded like the others, so that
Katherine and Catherine meet; a few silent letters and digraphs are written as they sound before that; and a letter that
sounds like the one before it is not told, even with an H, a W or a vowel between them.
"""

from collections import Counter

from gateway.policy.subject import name_of

SOUND_LENGTH_MAX = 4

_WRITTEN = (
    ("PH", "F"),
    ("GHT", "T"),
    ("KN", "N"),
    ("GN", "N"),
    ("WR", "R"),
    ("TSCH", "X"),
    ("TCH", "X"),
    ("CZ", "X"),
    ("DG", "G"),
)
_GROUPS = {
    **dict.fromkeys("BFPV", "1"),
    **dict.fromkeys("CGJKQSXZ", "2"),
    **dict.fromkeys("DT", "3"),
    "L": "4",
    **dict.fromkeys("MN", "5"),
    "R": "6",
}


def sound(name: str) -> str:
    """At most four digits; "0" for a name without consonants, "" for none."""
    plain = name_of(name)
    if not plain:
        return ""
    for written, heard in _WRITTEN:
        plain = plain.replace(written, heard)
    code = ""
    for letter in plain:
        digit = _GROUPS.get(letter, "")
        if digit and not code.endswith(digit):
            code += digit
    return code[:SOUND_LENGTH_MAX] or "0"


def alikeness(one: str, other: str) -> int:
    """0 to 100: twice the pairs of letters that two names have in common, of all they have (Dice 1945). 100 = the same;
    the ends of a name count as letters."""
    first, second = _pairs(one), _pairs(other)
    total = first.total() + second.total()
    return 200 * (first & second).total() // total if total else 0


def _pairs(name: str) -> Counter[str]:
    plain = f"^{name_of(name)}$"
    return Counter(plain[start : start + 2] for start in range(len(plain) - 1)) if len(plain) > 2 else Counter()
