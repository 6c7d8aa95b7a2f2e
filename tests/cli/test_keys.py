"""`gateway keys`: what there is, and what partners need of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from gateway.audit.note import NoteKey
from gateway.keys.certified import fingerprint_of
from tests.cli.deployment import Deployment, command
from tests.signing.elsewhere import County


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


@pytest.fixture
def operator(deployment: Deployment) -> tuple[str, str]:
    """Somebody of the operator."""
    deployment.run("user", "add", "ana", "--role", "operator")
    return "--as", "ana"


def states(deployment: Deployment) -> dict[tuple[str, str], dict[str, object]]:
    return {(row["name"], row["state"]): row for row in deployment.json("keys", "list")}


def test_a_key_is_prepared_given_out_and_takes_over(
    deployment: Deployment, operator: tuple[str, str], tmp_path: Path
) -> None:
    made = deployment.json("keys", "rotate", "cover", "--prepare", *operator)
    assert (made["role"], made["step"], made["since"]) == ("cover", "prepared", None)
    assert states(deployment)["cover", "next"]["fingerprint"] == made["key"]
    assert "not ordered" in deployment.run("keys", "list").stdout
    out = tmp_path / "out"
    deployment.run("keys", "export", out)
    assert "load it now, beside the one in use" in (out / "README.txt").read_text()
    ahead = (out / "cover.next.pem").read_bytes()
    dated = deployment.json("keys", "rotate", "cover", "--from", "2099-01-31", *operator)
    assert (dated["step"], dated["since"]) == ("ordered", "2099-01-31T00:00:00.00Z")
    assert "takes over 2099-01-31T00:00:00.00Z" in deployment.run("keys", "list").stdout
    done = deployment.json("keys", "rotate", "cover", *operator)
    assert (done["step"], done["key"], done["given_ahead"]) == ("done", made["key"], True)
    deployment.run("keys", "export", out)
    assert (out / "cover.pem").read_bytes() == ahead
    assert not (out / "cover.next.pem").exists()
    assert len(list(out.glob("cover.old-*.pem"))) == 1
    old = states(deployment)["cover", "old"]
    assert (old["issuer"], old["takes_over"]) == (states(deployment)["cover", "in-use"]["issuer"], None)


def test_what_was_not_given_ahead_is_said(deployment: Deployment, operator: tuple[str, str]) -> None:
    assert "were not given it ahead" in deployment.run("keys", "rotate", "receipt", *operator).stderr
    assert "were not given it ahead" not in deployment.run("keys", "rotate", "tls", *operator).stderr


@pytest.mark.parametrize(
    "words",
    [
        ("rotate", "digest"),
        ("rotate", "cover", "--prepare", "--from", "2099-01-31"),
        ("rotate", "cover", "--from", "2020-01-31"),
        ("rotate", "cover", "--from", "tomorrow"),
        ("rotate", "cover", "--host", "gateway.example.gov"),
        ("rotate", "receipt", "--csr", "x.csr"),
        ("rotate", "tls", "--csr", "x.csr", "--prepare"),
        ("rotate", "tls", "--csr", "x.csr", "--from", "2099-01-31"),
        ("discard", "log"),
        ("retire", "cover"),
        ("crl", "--revoke", "ab", "--agency", "millbrook-police"),
    ],
)
def test_what_does_not_go_together_is_wrong_use(
    deployment: Deployment, operator: tuple[str, str], words: tuple[str, ...]
) -> None:
    deployment.run("keys", *words, *operator, status=2)
    assert len(deployment.json("keys", "list")) == 8


def test_a_certificate_of_the_county_for_the_server(
    deployment: Deployment, operator: tuple[str, str], tmp_path: Path
) -> None:
    request, answer = tmp_path / "tls.csr", tmp_path / "tls.pem"
    host = ("--host", "gateway.example.gov")
    asked = deployment.json("keys", "rotate", "tls", "--csr", request, *host, *operator)
    assert asked["step"] == "requested"
    assert "waits for its certificate" in deployment.run("keys", "list").stdout
    assert "[key.no-next]" in deployment.run("keys", "rotate", "tls", *operator, status=1).stderr
    answer.write_bytes(County(datetime.now(UTC)).answer(request.read_bytes(), names=("other.example.gov",)))
    refused = deployment.run("keys", "rotate", "tls", "--certificate", answer, *host, *operator, status=1)
    assert "[certificate.names]" in refused.stderr
    answer.write_bytes(County(datetime.now(UTC)).answer(request.read_bytes()))
    done = deployment.json("keys", "rotate", "tls", "--certificate", answer, *host, *operator)
    assert (done["step"], done["key"]) == ("done", asked["key"])
    row = states(deployment)["tls", "in-use"]
    assert (row["fingerprint"], row["issuer"]) == (asked["key"], "County Issuing")


def test_a_next_key_is_discarded(deployment: Deployment, operator: tuple[str, str]) -> None:
    made = deployment.json("keys", "rotate", "authority", "--prepare", *operator)
    assert deployment.json("keys", "discard", "authority", *operator) == {"role": "authority", "key": made["key"]}
    assert len(deployment.json("keys", "list")) == 8
    assert "there is no next key" in deployment.run("keys", "discard", "authority", *operator).stdout


def test_a_list_is_for_everybody_to_read_and_names_what_was_revoked(
    deployment: Deployment, operator: tuple[str, str], tmp_path: Path
) -> None:
    deployment.run("agency", "add", "--id", "millbrook-police", "--issue", tmp_path, *operator)
    certificate = x509.load_pem_x509_certificate((tmp_path / "millbrook-police.cert.pem").read_bytes())
    file = tmp_path / "gateway.crl"
    (made,) = deployment.json("keys", "crl", file)
    assert made["serials"] == []
    assert file.stat().st_mode & 0o777 == 0o644
    deployment.run("keys", "crl", file, "--revoke", fingerprint_of(certificate)[:16], status=2)
    (made,) = deployment.json("keys", "crl", file, "--revoke", fingerprint_of(certificate)[:16], *operator)
    assert made["serials"] == [f"{certificate.serial_number:x}"]
    (listed,) = x509.load_pem_x509_crl(file.read_bytes())
    assert listed.serial_number == certificate.serial_number
    assert not list(tmp_path.glob(".*.part"))
    assert "[certificate.unknown]" in deployment.run("keys", "crl", "--revoke", "00", *operator, status=1).stderr
    shown = deployment.json("agency", "show", "millbrook-police")["credentials"]
    assert [bool(each["revoked_at"]) for each in shown] == [True]


def test_an_old_authority_is_retired_when_nobody_needs_it(
    deployment: Deployment, operator: tuple[str, str], tmp_path: Path
) -> None:
    deployment.run("agency", "add", "--id", "millbrook-police", "--issue", tmp_path, *operator)
    for role in ("authority", "cover", "client", "tls"):
        deployment.run("keys", "rotate", role, *operator)
    assert states(deployment)["ca", "old"]
    assert "needed by millbrook-police" in command("doctor", "-C", deployment.directory).stdout
    refused = deployment.run("keys", "retire", "authority", *operator, status=1)
    assert "[authority.still-needed]" in refused.stderr
    done = deployment.json("keys", "retire", "authority", "--cut-off", *operator)
    assert done["cut_off"] == ["millbrook-police"]
    assert ("ca", "old") not in states(deployment)
    assert states(deployment)["ca", "retired"]
    assert "needed by" not in command("doctor", "-C", deployment.directory).stdout
