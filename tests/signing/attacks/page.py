"""The page of vectors: what signxml and xmlsec alone say to each, what the gateway says, and why where they differ.

python -m tests.signing.attacks.page > docs/security/signature-vectors.md
"""

import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import xmlsec

from tests.signing.attacks.documents import DOCUMENTS
from tests.signing.attacks.envelopes import ENVELOPES
from tests.signing.attacks.libraries import (
    NOT_ASKED,
    REFUSES,
    authorities,
    signxml_says,
    signxml_says_of_parts,
    xmlsec_says,
)
from tests.signing.attacks.vector import Vector

HEAD = """\
# Signature vectors

Made by `python -m tests.signing.attacks.page`; a test compares this page with what it would be now. Each vector is made
in each run from a properly signed document, with new keys, and is signed for real: what is wrong with it is what stands
here and nothing else. Each goes through the function and a whole gateway, where it must be refused with its code, store
no message, and leave its entry in the log: `tests/signing/attacks/`. How long it takes: `bench`, row refusal.

Beside each stands what two libraries say when they are told which authorities to trust and nothing more: signxml with
its own settings, xmlsec with the attributes that are ids. **takes it** is a good signature and all of the document;
**takes a part** means that signxml gives back something less than the document (a caller that reads on in its own tree
is lost). Neither is at fault: XML Signature allows all of this, and a profile has to say what is wanted.
Of envelopes, where several parts are signed, **takes it** says that the signature is good, wherever those parts are;
neither library looks for a token of WS-Security by itself, so that those are refused.
Ours: `gateway/signing/shape.py`, `header.py`. Asked were signxml {signxml} and xmlsec {xmlsec}.
"""


def rows(vectors: Iterable[Vector], says: dict[str, Callable[[bytes, Path], str]]) -> list[str]:
    """The page's tables, one for each family in the order they are entered."""
    made: list[str] = []
    with authorities() as trusted:
        for family, members in groupby(sorted(vectors, key=_place(vectors)), key=lambda each: each.family):
            made += ["", f"## {family}", f"| vector | what it is | {' | '.join(says)} | the gateway | why |"]
            made.append(f"|---|---|{'---|' * len(says)}---|---|")
            made += [
                _row(each, [ask(each.make(), trusted) if each.asked else NOT_ASKED for ask in says.values()])
                for each in members
            ]
    return made


def _place(vectors: Iterable[Vector]) -> Callable[[Vector], int]:
    """Families in the order of their first vector."""
    order = list(dict.fromkeys(each.family for each in vectors))
    return lambda vector: order.index(vector.family)


def _row(vector: Vector, said: list[str]) -> str:
    ours = " or ".join(f"`{code}`" for code in vector.codes) or "accepts"
    return f"| {vector.name} | {_cell(vector.says)} | {' | '.join(said)} | {ours} | {_why(vector, said)} |"


def _why(vector: Vector, said: list[str]) -> str:
    if vector.valid:
        return "" if all(each != REFUSES for each in said) else vector.why or "what is signed is the same"
    if all(each == REFUSES for each in said):
        return "all agree"
    if not vector.why:
        raise ValueError(f"{vector.name}: a library takes it and nobody says why the gateway does not")
    return vector.why


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def page() -> str:
    """All of it."""
    tables = rows(list(DOCUMENTS.values()), {"signxml": signxml_says, "xmlsec": xmlsec_says})
    tables += rows(list(ENVELOPES.values()), {"signxml": signxml_says_of_parts, "xmlsec": xmlsec_says})
    versions = {"signxml": version("signxml"), "xmlsec": ".".join(map(str, xmlsec.get_libxmlsec_version()))}
    return HEAD.format(**versions) + "\n".join(tables) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
