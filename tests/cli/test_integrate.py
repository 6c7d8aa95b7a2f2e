"""`gateway integrate`: what the folder holds, for whom it can be read, and what is refused."""

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from gateway.cli.integrate import CLIENTS
from gateway.integrate.client import client
from gateway.soap.wsdl import SCHEMA, wsdl
from gateway.store.interface import StoreUnavailable
from tests.cli.deployment import Deployment

JAIL, POLICE = "harlan-county-jail", "millbrook-police"


def credentials(deployment: Deployment, agency: str) -> list[dict[str, str]]:
    return [dict(each) for each in deployment.json("agency", "show", agency)["credentials"]]


def test_a_folder_with_a_token_holds_everything_and_is_for_nobody_else(deployment: Deployment, tmp_path: Path) -> None:
    told = deployment.json("integrate", JAIL, "--client", "curl", "--out", tmp_path / "pack", "--token")
    folder = tmp_path / "pack"
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert told == {"agency": JAIL, "client": "curl", "folder": str(folder), "files": files}
    own = {"README.md", "gateway.properties", "gateway.wsdl", "soap/xsd/gateway.xsd", "authority.pem", "token"}
    assert own <= set(files)
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    token = (folder / "token").read_text().strip()
    [held] = credentials(deployment, JAIL)
    assert sha256(token.encode()).hexdigest().startswith(held["fingerprint"])
    assert token not in (folder / "README.md").read_text() + (folder / "gateway.properties").read_text()
    assert (folder / "gateway.wsdl").read_text() == wsdl("https://127.0.0.1:8445/soap")
    assert (folder / "soap/xsd/gateway.xsd").read_text() == SCHEMA
    assert (folder / "client.sh").read_bytes() == client("curl").files["client.sh"]


def test_the_samples_are_those_of_what_agreements_let_it_send(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("integrate", JAIL, "--out", tmp_path / "jail")
    deployment.run("integrate", "harborlight-services", "--out", tmp_path / "shelter")
    assert [path.name for path in (tmp_path / "jail/samples").iterdir()] == ["custody-release"]
    assert not (tmp_path / "shelter/samples").exists()
    read = (tmp_path / "jail/README.md").read_text()
    assert "harlan-district-attorney, harlan-probation, millbrook-police, tri-county-fusion" in read
    assert "No agreement in force today lets you send" in (tmp_path / "shelter/README.md").read_text()


def test_key_and_certificate_are_of_the_kind_and_in_the_form_that_the_toolkit_reads(
    deployment: Deployment, tmp_path: Path
) -> None:
    kinds = {"java": ec.EllipticCurvePrivateKey, "dotnet": rsa.RSAPrivateKey, "gsoap": rsa.RSAPrivateKey}
    for name, kind in kinds.items():
        folder = tmp_path / name
        deployment.run("integrate", POLICE, "--client", name, "--out", folder, "--issue")
        lines = (folder / "gateway.properties").read_text().splitlines()
        settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        certificate = x509.load_pem_x509_certificate((folder / f"{POLICE}.cert.pem").read_bytes())
        if name == "gsoap":
            data = (folder / settings["pem"]).read_bytes()
            key = load_pem_private_key(data[data.index(b"-----BEGIN PRIVATE") :], None)
            assert x509.load_pem_x509_certificate(data) == certificate
        else:
            data = (folder / settings["pkcs12"]).read_bytes()
            stored = pkcs12.load_pkcs12(data, settings["pkcs12_password"].encode())
            assert stored.cert is not None
            assert stored.cert.certificate == certificate
            key = stored.key
        assert isinstance(key, kind)
        assert key.public_key() == certificate.public_key()


def test_who_is_asked_for_a_username_is_told(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("integrate", JAIL, "--out", tmp_path / "before")
    assert "UsernameToken" not in (tmp_path / "before/README.md").read_text()
    deployment.run("agency", "add", "--id", JAIL, "--username", "records")
    deployment.run("integrate", JAIL, "--out", tmp_path / "after")
    assert "identity.username" in (tmp_path / "after/README.md").read_text()


def test_where_the_key_is_with_the_agency_its_settings_say_what_to_make(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("integrate", POLICE, "--client", "dotnet", "--out", tmp_path / "first", "--issue")
    pem = tmp_path / f"first/{POLICE}.cert.pem"
    deployment.run("integrate", POLICE, "--client", "java", "--out", tmp_path / "second", "--certificate", pem)
    settings = (tmp_path / "second/gateway.properties").read_text()
    assert "\npkcs12=\npkcs12_password=\n" in settings
    assert "openssl pkcs12 -export" in settings


def test_without_being_asked_no_credential_is_issued(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("integrate", POLICE, "--out", tmp_path / "pack")
    assert credentials(deployment, POLICE) == []
    assert "No credential is in this folder" in (tmp_path / "pack/README.md").read_text()


def test_the_readme_begins_with_a_message_that_can_be_sent(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("integrate", JAIL, "--out", tmp_path / "pack", "--issue")
    read = (tmp_path / "pack/README.md").read_text()
    assert "submit samples/custody-release/smallest.xml my-first-id" in read
    assert "--data-binary @samples/custody-release/smallest.xml" in read
    assert f"--cert {JAIL}.cert.pem --key {JAIL}.key.pem \\\n" in read
    assert (tmp_path / "pack/samples/custody-release/smallest.xml").exists()


def test_a_certificate_of_its_own_is_registered_and_its_key_stays_away(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("integrate", POLICE, "--out", tmp_path / "first", "--issue")
    pem = tmp_path / f"first/{POLICE}.cert.pem"
    assert x509.load_pem_x509_certificate(pem.read_bytes())
    assert (tmp_path / f"first/{POLICE}.key.pem").stat().st_mode & 0o777 == 0o600
    # As many agencies keep them: both in one file. The key goes neither into the pack nor into the database.
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / f"first/{POLICE}.key.pem").read_bytes() + pem.read_bytes())
    deployment.run("integrate", POLICE, "--out", tmp_path / "second", "--certificate", both)
    assert (tmp_path / f"second/{POLICE}.cert.pem").read_bytes() == pem.read_bytes()
    for file in deployment.directory.rglob("*.db*"):
        assert b"PRIVATE KEY" not in file.read_bytes()
    assert not (tmp_path / f"second/{POLICE}.key.pem").exists()
    assert "its key is with you" in (tmp_path / "second/README.md").read_text()
    assert [each["kind"] for each in credentials(deployment, POLICE)] == ["certificate"]


def test_nobody_else_may_write_anywhere_in_a_pack(deployment: Deployment, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        deployment.run("integrate", JAIL, "--out", tmp_path / "pack", "--issue", "--token")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o022 for path in (tmp_path / "pack").rglob("*")}
    assert {"samples", "soap", f"{JAIL}.cert.pem"} <= modes.keys()
    assert set(modes.values()) == {0}


def test_a_folder_that_holds_something_is_left_alone_and_nothing_is_issued(
    deployment: Deployment, tmp_path: Path
) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "notes").write_text("mine")
    result = deployment.run("integrate", POLICE, "--out", folder, "--token", status=1)
    assert "[integrate.folder-taken]" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["notes"]
    assert credentials(deployment, POLICE) == []


def test_issuing_is_signed_once_there_is_anybody_who_can_and_a_refused_one_can_be_done_again(
    deployment: Deployment, tmp_path: Path
) -> None:
    operator = deployment.officer()
    folder = tmp_path / "pack"
    assert "[" in deployment.run("integrate", POLICE, "--out", folder, "--token", status=1).stderr
    assert credentials(deployment, POLICE) == []
    deployment.run("integrate", POLICE, "--out", folder, "--token", "--as", operator)
    assert [each["kind"] for each in credentials(deployment, POLICE)] == ["token"]
    acts = deployment.json("audit", "admin-actions")["rows"]
    assert any(operator in json.dumps(act) and POLICE in json.dumps(act) for act in acts)


def test_who_cannot_sign_is_not_given_a_folder_that_says_it_signs(deployment: Deployment, tmp_path: Path) -> None:
    result = deployment.run("integrate", POLICE, "--out", tmp_path / "pack", "--signed", "--issue", status=1)
    assert "[integrate.signs-not]" in result.stderr
    assert not (tmp_path / "pack").exists()
    assert credentials(deployment, POLICE) == []


def test_an_agency_and_a_client_that_are_not_there(deployment: Deployment, tmp_path: Path) -> None:
    unknown = deployment.run("integrate", "nobody", "--out", tmp_path / "pack", "--token", status=1)
    assert "[agency.unknown]" in unknown.stderr
    wrong = deployment.run("integrate", POLICE, "--client", "telex", status=2)
    assert all(name in wrong.stderr for name in CLIENTS)


def test_a_folder_that_cannot_be_made(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = deployment.run("integrate", POLICE, "--out", tmp_path / "file/pack", "--token", status=1)
    assert "[integrate.folder-taken]" in result.stderr


def test_a_disk_that_is_full_says_what_became_of_the_credential(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def full(path: Path, *more: int) -> int:
        if Path(path).name == "README.md":
            raise OSError(28, "No space left on device")
        return opened(path, *more)

    monkeypatch.setattr("gateway.cli.integrate.os.open", full)
    result = deployment.run("integrate", POLICE, "--out", tmp_path / "pack", "--token", status=1)
    assert "[integrate.unwritten]" in result.stderr
    assert "gateway agency revoke" in result.stderr
    assert [each["kind"] for each in credentials(deployment, POLICE)] == ["token"]


def test_a_credential_that_could_not_be_issued_leaves_an_empty_folder(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> str:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.cli.integrate.issue_token", away)
        deployment.run("integrate", POLICE, "--out", tmp_path / "pack", "--token", status=3)
    assert list((tmp_path / "pack").iterdir()) == []
    deployment.run("integrate", POLICE, "--out", tmp_path / "pack", "--token")
