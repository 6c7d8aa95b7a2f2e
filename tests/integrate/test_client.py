"""The clients as they lie in the package."""

from pathlib import Path

import pytest

from gateway.integrate.client import Client, client, names

PAGES = Path(__file__).resolve().parents[2] / "docs/integrate"


def test_there_is_a_client_to_begin_with() -> None:
    assert "curl" in names()


@pytest.mark.parametrize("name", names())
def test_each_is_whole_and_carries_no_addresses_of_registries(name: str) -> None:
    found = client(name)
    assert found.title
    assert found.needs
    assert found.notes.strip()
    assert found.files
    for file, data in found.files.items():
        assert b"registry.npmjs" not in data, file
        assert b"pypi.org" not in data, file
        assert b"pythonhosted" not in data, file


@pytest.mark.parametrize("name", names())
def test_none_switches_the_check_of_certificates_off(name: str) -> None:
    for file, data in client(name).files.items():
        for word in (
            b"--insecure",
            b"verify=False",
            b"rejectUnauthorized: false",
            b"SSL_VERIFY_NONE",
            b"verify_peer' => false",
        ):
            assert word not in data, file


def test_a_client_that_speaks_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match=r"speaks SOAP 1\.1"):
        Client(name="x", title="x", needs="x", check=("x",), run=("x",), versions=(), notes="x", files={})
    with pytest.raises(ValueError, match="form of key"):
        Client(
            name="x", title="x", needs="x", check=("x",), run=("x",), versions=("1.1",), notes="x", files={},
            forms=frozenset({"jks"}),
        )  # fmt: skip
    with pytest.raises(ValueError, match="kind of key"):
        Client(
            name="x", title="x", needs="x", check=("x",), run=("x",), versions=("1.1",), notes="x", files={}, key="dsa",
        )  # fmt: skip


@pytest.mark.parametrize("name", [file.stem for file in PAGES.glob("*.md") if file.stem in names()])
def test_the_page_of_a_client_says_what_its_pack_says(name: str) -> None:
    found, page = client(name), (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert found.notes.strip() in page
    assert found.needs in page
    assert f"--client {name}" in page


def test_the_path_names_every_page_there_is() -> None:
    path = (PAGES / "README.md").read_text(encoding="utf-8")
    for file in PAGES.glob("*.md"):
        assert file.name == "README.md" or f"({file.name})" in path or file.stem not in names()
