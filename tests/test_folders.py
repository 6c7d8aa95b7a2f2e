"""Tests for gateway/folders.py: the data folders read into memory."""

from pathlib import Path

import pytest

from gateway import folders
from gateway.folders import FolderUnusable, load_exchanges, read_tree, shipped
from gateway.iepd.package import IepdRefused
from tests.iepd import invented


def write(top: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    write(tmp_path / "xsd", dict(invented.XSD))
    write(tmp_path / "iepd" / "invented-notice" / "1.0", invented.folder())
    return tmp_path


def test_a_tree_is_read_by_relative_names(tmp_path: Path) -> None:
    write(tmp_path, {"b/c.txt": b"2", "a.txt": b"1", ".hidden": b"x", ".git/config": b"x", "b/__pycache__/x": b"x"})
    assert read_tree(tmp_path) == {"a.txt": b"1", "b/c.txt": b"2"}


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"secret.txt": b"x", "in/a.txt": b"1"})
    (tmp_path / "in" / "out.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "in" / "beside.txt").symlink_to(tmp_path / "in" / "a.txt")
    assert read_tree(tmp_path / "in") == {"a.txt": b"1", "beside.txt": b"1"}


def test_a_missing_or_far_too_large_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FolderUnusable, match="no such folder"):
        read_tree(tmp_path / "gone")
    write(tmp_path, {"a": b"12345"})
    monkeypatch.setattr(folders, "SIZE_BYTES_MAX", 4)
    with pytest.raises(FolderUnusable, match="right folder"):
        read_tree(tmp_path)


def test_a_checkout_finds_its_folders_beside_the_package() -> None:
    found = shipped()
    assert (found.xsd / "niem-6.0" / "structures.xsd").is_file()
    assert found.iepd.name == "iepd"
    assert found.policies.is_dir()


def test_an_installed_package_finds_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "gateway"
    write(package, {"folders.py": b"", "shipped/iepd/x": b"", "shipped/xsd/x": b"", "shipped/policies/x": b""})
    monkeypatch.setattr(folders, "__file__", str(package / "folders.py"))
    assert shipped().xsd == package / "shipped" / "xsd"


def test_without_them_the_installation_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "__file__", str(tmp_path / "gateway" / "folders.py"))
    with pytest.raises(FolderUnusable, match="install it anew"):
        shipped()


def test_the_exchanges_of_a_deployment_are_loaded(deployment: Path) -> None:
    (exchange,) = load_exchanges(deployment / "iepd", deployment / "xsd")
    assert exchange.id == "invented-notice/1.0"


def test_the_shipped_exchanges_are_loaded() -> None:
    found = shipped()
    ids = [exchange.id for exchange in load_exchanges(found.iepd, found.xsd)]
    assert ids == ["custody-release/1.0", "police-contact/1.0", "supervision-record/1.0"]


def test_findings_of_all_exchanges_are_told_with_their_folder(deployment: Path) -> None:
    write(deployment / "iepd" / "other" / "2.0", {"fields.yaml": b"a: ["})
    write(deployment / "iepd" / "third" / "1.0", invented.folder())
    with pytest.raises(IepdRefused) as caught:
        load_exchanges(deployment / "iepd", deployment / "xsd")
    assert [(finding.code, finding.file) for finding in caught.value.findings] == [
        ("yaml.syntax", "other/2.0/fields.yaml"),
        ("fields.wrong-folder", "third/1.0/fields.yaml"),
    ]
