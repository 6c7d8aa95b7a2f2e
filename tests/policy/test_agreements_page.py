"""docs/agreements.md names every key with the line and the example that the reader declares, and every code."""

import os
import re
from pathlib import Path

import pytest

from gateway.document.source import Table, read_source
from gateway.folders import templates
from gateway.policy.format import AGREEMENT
from gateway.policy.reading import Reading
from gateway.policy.shape_table import Key, keys_of

PAGE = Path(__file__).parents[2] / "docs/agreements.md"
BEGIN, END = "from the reader's own declarations -->\n", "<!-- end of keys -->"
POLICY = Path(__file__).parents[2] / "gateway/policy"
READERS = (
    "clause",
    "fit",
    "format",
    "format_clause",
    "frame",
    "permit",
    "read",
    "reading",
    "shape",
    "shape_table",
    "victim",
)
KEYS = tuple(keys_of(AGREEMENT))


def row(path: str, key: Key) -> str:
    return f"| `{path}`{'*' if key.required else ''} | {key.title} | `{key.example}` |\n"


def reference() -> str:
    return "| key | what | example |\n|---|---|---|\n" + "".join(row(path, key) for path, key in KEYS)


def test_every_key_stands_on_the_page_as_the_reader_declares_it() -> None:
    # After a wanted change: GATEWAY_GOLDEN=write pytest tests/policy/test_agreements_page.py
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    inside, _, after = rest.partition(END)
    if os.environ.get("GATEWAY_GOLDEN") == "write":
        PAGE.write_text(before + BEGIN + reference() + END + after, encoding="utf-8")
        inside = reference()
    assert inside == reference()


@pytest.mark.parametrize(("path", "key"), KEYS, ids=[path for path, _ in KEYS])
def test_every_example_is_right(path: str, key: Key) -> None:
    root, findings = read_source(f"x: {key.example}\n".encode(), "")
    assert findings == ()
    assert isinstance(root, Table)
    reading = Reading("mou", "")
    key.shape.conform(reading, root.entries["x"])
    assert reading.findings == []
    assert key.title.endswith((".", "?"))
    assert "|" not in key.title + key.example


def test_every_code_a_reader_can_meet_stands_on_the_page() -> None:
    codes = set()
    for module in READERS:
        text = (POLICY / f"{module}.py").read_text("utf-8")
        codes |= set(re.findall(r'wrong\(\s*"([a-z\-]+)"', text)) | set(re.findall(r'code="([a-z\-]+)"', text))
    codes |= {f"unknown-{sort}" for sort in ("role", "purpose", "course")}
    codes |= {"victim-services-reduced", "victim-pseudonymized"}
    named = set(re.findall(r"`mou\.([a-z\-]+)`", PAGE.read_text("utf-8")))
    assert codes == named


def test_every_template_stands_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    assert all(f"| `{name}` |" in text for name in templates())
