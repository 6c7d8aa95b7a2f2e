"""`gateway keys`: what there is, and what partners need of it."""

from pathlib import Path

from cryptography import x509

from gateway.audit.note import NoteKey
from tests.cli.deployment import Deployment


def test_the_list_shows_fingerprints_and_nothing_secret(deployment: Deployment) -> None:
    rows = {row["name"]: row for row in deployment.json("keys", "list")}
    assert set(rows) == {"ca", "cover", "tls", "client", "log", "receipt", "digest", "wrap"}
    assert all(len(row["fingerprint"]) == 64 for row in rows.values())
    assert rows["cover"]["expires"]
    assert rows["log"]["expires"] is None
    assert "PRIVATE" not in deployment.run("keys", "list").output


def test_what_partners_are_given(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("keys", "export", tmp_path / "out")
    files = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    certificates, keys = ("authority", "cover", "client", "tls"), ("log", "receipt", "witness")
    assert set(files) == {*(f"{each}.pem" for each in certificates), *(f"{each}.vkey" for each in keys), "README.txt"}
    authority, cover = (x509.load_pem_x509_certificate(files[name]) for name in ("authority.pem", "cover.pem"))
    cover.verify_directly_issued_by(authority)
    assert NoteKey.read(files["log.vkey"].decode().strip()).name == "gateway.test"
    assert not any(b"PRIVATE" in content for content in files.values())


def test_keys_that_others_may_read_are_refused(deployment: Deployment) -> None:
    (deployment.directory / "keys/log.key.pem").chmod(0o644)
    assert "[key.permissions]" in deployment.run("keys", "list", status=1).stderr


def test_a_key_that_is_gone(deployment: Deployment) -> None:
    (deployment.directory / "keys/cover.key.pem").unlink()
    assert "[key.missing]" in deployment.run("keys", "list", status=1).stderr
