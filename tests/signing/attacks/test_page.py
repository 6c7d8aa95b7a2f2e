"""The page says what the libraries and the gateway say now."""

from pathlib import Path

from tests.signing.attacks.page import page

PAGE = Path(__file__).resolve().parents[3] / "docs/security/signature-vectors.md"


def test_the_page_is_the_one_of_now() -> None:
    made = page()
    assert PAGE.read_text(encoding="utf-8") == made, "run: python -m tests.signing.attacks.page > that page"
    assert made.count("takes") > 100
