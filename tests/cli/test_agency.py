"""`gateway agency`: who exchanges, with which credentials."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from tests.cli.deployment import AGENCIES, Deployment, command
from tests.signing.pki import authority, leaf

POLICE = "millbrook-police"

COURT = """\
agency: harlan-county-court
name: Harlan County Court
kind: court
endpoint: {kind: rest, url: "https://court.harlan.example/receive"}
"""


def test_the_list_says_how_each_is_reached_and_what_it_holds(deployment: Deployment) -> None:
    deployment.run("agency", "add", "--id", POLICE, "--token")
    rows = {row["agency"]: row for row in deployment.json("agency", "list")}
    assert set(rows) == {file.stem for file in AGENCIES.glob("*.yaml")}
    row = rows[POLICE]
    assert set(row) == {"agency", "name", "kind", "endpoint", "url", "suspended", "credentials"}
    assert (row["kind"], row["endpoint"], row["suspended"]) == ("police", "inbox", False)
    assert [each["kind"] for each in row["credentials"]] == ["token"]
    assert POLICE in deployment.run("agency", "list").stdout


def test_a_new_one_from_its_file_with_a_token_that_is_shown_once(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "court.yaml"
    file.write_text(COURT)
    told = deployment.json("agency", "add", file, "--token", "--as", deployment.officer())
    assert told["agency"] == "harlan-county-court"
    assert told["token"].startswith("gw_")
    row = next(row for row in deployment.json("agency", "list") if row["agency"] == "harlan-county-court")
    assert row["url"] == "https://court.harlan.example/receive"
    assert row["credentials"][0]["fingerprint"] == sha256(told["token"].encode()).hexdigest()
    assert told["token"] not in json.dumps(row)


def test_a_username_is_asked_for_besides_and_its_password_shown_once(deployment: Deployment, tmp_path: Path) -> None:
    told = deployment.json("agency", "add", "--id", POLICE, "--username", "records")
    assert set(told) == {"agency", "username", "password"}
    assert len(told["password"]) == 64
    file = tmp_path / "password"
    file.write_text("correct horse battery\n")
    file.chmod(0o644)
    done = deployment.run("agency", "add", "--id", POLICE, "--username", "records", "--password-file", file, status=1)
    assert "key.permissions" in done.stderr
    file.chmod(0o600)
    again = deployment.run("agency", "add", "--id", POLICE, "--username", "records", "--password-file", file)
    assert "correct horse" not in again.stdout + again.stderr
    row = next(row for row in deployment.json("agency", "list") if row["agency"] == POLICE)
    assert [each["kind"] for each in row["credentials"]] == ["username", "username"]
    shown = deployment.json("agency", "show", POLICE)
    assert [each["names"] for each in shown["credentials"] if each["kind"] == "username"] == [["records"], ["records"]]
    assert told["password"] not in json.dumps(shown)
    assert "records" in deployment.run("agency", "show", POLICE).stdout
    deployment.run("agency", "revoke", POLICE, "--credential", row["credentials"][0]["fingerprint"])


def test_a_password_of_no_username_and_a_short_one_are_refused(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("short\n")
    file.chmod(0o600)
    deployment.run("agency", "add", "--id", POLICE, "--token", "--password-file", file, status=2)
    done = deployment.run("agency", "add", "--id", POLICE, "--username", "records", "--password-file", file, status=1)
    assert "credential.weak-password" in done.stderr
    file.write_bytes(b"caf\xe9 caf\xe9 caf\xe9\n")
    done = deployment.run("agency", "add", "--id", POLICE, "--username", "records", "--password-file", file, status=2)
    assert "UTF-8" in done.stderr
    for content in (b"", b"\n", b"x" * 5000):
        file.write_bytes(content)
        done = deployment.run(
            "agency", "add", "--id", POLICE, "--username", "records", "--password-file", file, status=2
        )
        assert "no password" in done.stderr


def test_nothing_is_half_done_when_one_of_two_credentials_is_refused(deployment: Deployment, tmp_path: Path) -> None:
    before = deployment.json("agency", "show", POLICE)
    password, certificate = tmp_path / "password", tmp_path / "own.pem"
    password.write_text("short\n")
    password.chmod(0o600)
    deployment.run(
        *("agency", "add", "--id", POLICE, "--token", "--username", "records", "--password-file", password), status=1
    )
    certificate.write_bytes(leaf("police", None, now=datetime.now(UTC) - timedelta(days=60)).pem)
    deployment.run("agency", "add", "--id", POLICE, "--username", "records", "--certificate", certificate, status=1)
    assert deployment.json("agency", "show", POLICE) == before


def test_a_key_and_certificate_for_one_that_cannot_make_its_own(deployment: Deployment, tmp_path: Path) -> None:
    told = deployment.json("agency", "add", "--id", POLICE, "--issue", tmp_path / "issued")
    key, certificate = Path(told["key"]), Path(told["certificate"])
    assert key.stat().st_mode & 0o777 == 0o600
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    assert private.public_key() == found.public_key()
    row = next(row for row in deployment.json("agency", "list") if row["agency"] == POLICE)
    assert [each["kind"] for each in row["credentials"]] == ["certificate"]


def test_a_key_that_is_there_is_not_overwritten_and_no_certificate_registered(
    deployment: Deployment, tmp_path: Path
) -> None:
    first = deployment.json("agency", "add", "--id", POLICE, "--issue", tmp_path / "issued")
    key = Path(first["key"]).read_bytes()
    result = deployment.run("agency", "add", "--id", POLICE, "--issue", tmp_path / "issued", status=1)
    assert "[key.exists]" in result.stderr
    assert Path(first["key"]).read_bytes() == key
    row = next(row for row in deployment.json("agency", "list") if row["agency"] == POLICE)
    assert len(row["credentials"]) == 1


def test_a_refused_one_leaves_no_key_behind_and_can_be_done_again(deployment: Deployment, tmp_path: Path) -> None:
    officer, folder = deployment.officer(), tmp_path / "issued"
    result = deployment.run("agency", "add", "--id", POLICE, "--issue", folder, status=1)
    assert "[agency.signature-needed]" in result.stderr
    assert not list(folder.glob("*"))
    deployment.run("agency", "add", "--id", POLICE, "--issue", folder, "--as", officer)
    assert len(list(folder.glob("*"))) == 2


def test_a_certificate_that_will_never_count_is_refused_and_a_key_in_its_file_warned_of(
    deployment: Deployment, tmp_path: Path
) -> None:
    file, now = tmp_path / "own.pem", datetime.now(UTC)
    file.write_bytes(leaf("probation", None, now=now - timedelta(days=60)).pem)
    result = deployment.run("agency", "add", "--id", "harlan-probation", "--certificate", file, status=1)
    assert "[certificate.expired]" in result.stderr
    good = leaf("probation", None, now=now)
    pem = good.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(pem + good.pem)
    result = deployment.run("agency", "add", "--id", "harlan-probation", "--certificate", file)
    assert "warning [certificate.with-key]" in result.stderr
    assert pem.splitlines()[1].decode() not in result.output


def test_a_certificate_the_agency_brings(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "own.pem"
    file.write_bytes(leaf("probation", None, now=datetime.now(UTC)).pem)
    told = deployment.json("agency", "add", "--id", "harlan-probation", "--certificate", file)
    assert len(told["certificate"]) == 64
    other = deployment.run("agency", "add", "--id", POLICE, "--certificate", file, status=1)
    assert "[credential.taken]" in other.stderr


@pytest.mark.parametrize(
    "content", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate(deployment: Deployment, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "certificate.pem"
    file.write_bytes(content)
    result = deployment.run("agency", "add", "--id", POLICE, "--certificate", file, status=1)
    assert "[certificate.unreadable]" in result.stderr


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("agency: Not An Id\nname: x\nkind: court\n", "agency."),
        ("agency: a-court\nname: x\nkind: circus\n", "agency."),
        ("agency: a-court\nname: x\nkind: court\ncolor: blue\n", "agency.unknown-key"),
        ("agency: a-court\nagency: b-court\nname: x\nkind: court\n", "yaml."),
        ("agency: &a a-court\nname: *a\nkind: court\n", "yaml."),
        ("- not\n- a table\n", "yaml.not-a-table"),
        ("{", "yaml.syntax"),
        ("", "yaml."),
        ("\0", "yaml."),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_line(
    deployment: Deployment, tmp_path: Path, text: str, code: str
) -> None:
    file = tmp_path / "court.yaml"
    file.write_text(text)
    result = deployment.run("agency", "add", file, status=1)
    assert "court.yaml" in result.stderr
    assert f"[{code}" in result.stderr
    assert len(deployment.json("agency", "list")) == 6


def test_one_credential_is_revoked_and_the_others_go_on(deployment: Deployment, tmp_path: Path) -> None:
    tokens = [deployment.json("agency", "add", "--id", POLICE, "--token")["token"] for _ in range(2)]
    lost, kept = (sha256(token.encode()).hexdigest() for token in tokens)
    told = deployment.json("agency", "revoke", POLICE, "--credential", lost[:16])
    assert (told["fingerprint"], told["kind"], told["revoked"]) == (lost, "token", True)
    rows = {each["fingerprint"]: each for each in deployment.json("agency", "show", POLICE)["credentials"]}
    assert rows[lost[:16]]["revoked_at"]
    assert rows[kept[:16]]["revoked_at"] is None
    assert "revoked" in deployment.run("agency", "show", POLICE).stdout
    again = deployment.run("agency", "revoke", POLICE, "--credential", lost[:16], status=1)
    assert "[credential.revoked]" in again.stderr
    deployment.run("agency", "revoke", POLICE, "--credential", kept.upper()[:20])


@pytest.mark.parametrize("prefix", ["0123456789abcdef", "", "not-hex"])
def test_a_credential_the_agency_does_not_have(deployment: Deployment, prefix: str) -> None:
    deployment.run("agency", "add", "--id", POLICE, "--token")
    result = deployment.run("agency", "revoke", POLICE, "--credential", prefix, status=1)
    assert "[credential.unknown]" in result.stderr


def test_one_agency_is_shown_with_its_endpoint_its_contacts_and_its_credentials(deployment: Deployment) -> None:
    token = deployment.json("agency", "add", "--id", POLICE, "--token")["token"]
    told = deployment.json("agency", "show", POLICE)
    named = {"agency", "name", "kind", "ori", "address", "suspended"}
    assert set(told) == named | {"endpoint", "reply_to", "contacts", "credentials", "crls"}
    assert told["endpoint"] == {"kind": "inbox", "url": "", "signature": "cover", "mtom": False, "test": False}
    assert {each["role"] for each in told["contacts"]} >= {"liaison"}
    (credential,) = told["credentials"]
    assert set(credential) == {"kind", "fingerprint", "not_after", "revoked_at"}
    assert credential["fingerprint"] == sha256(token.encode()).hexdigest()[:16]
    spoken = deployment.run("agency", "show", POLICE).stdout
    assert credential["fingerprint"] in spoken
    assert told["contacts"][0]["name"] in spoken


def test_an_agency_nobody_knows(deployment: Deployment) -> None:
    for words in (
        ("add", "--id", "nobody", "--token"),
        ("suspend", "nobody"),
        ("show", "nobody"),
        ("revoke", "nobody", "--credential", "ab"),
    ):
        assert "[agency.unknown]" in deployment.run("agency", *words, status=1).stderr


def test_suspended_and_let_in_again(deployment: Deployment) -> None:
    deployment.run("agency", "suspend", POLICE)
    assert "suspended" in deployment.run("agency", "list").stdout
    officer = ("--as", deployment.officer())
    deployment.run("agency", "add", AGENCIES / f"{POLICE}.yaml", *officer)
    assert next(row for row in deployment.json("agency", "list") if row["agency"] == POLICE)["suspended"] is True
    refused = deployment.run("agency", "suspend", POLICE, "--resume", status=1)
    assert "[agency.signature-needed]" in refused.stderr
    deployment.run("agency", "suspend", POLICE, "--resume", *officer)
    assert next(row for row in deployment.json("agency", "list") if row["agency"] == POLICE)["suspended"] is False


def test_nobody_adds_an_agency_without_signing_it(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "court.yaml"
    file.write_text(COURT)
    assert "--as" in deployment.run("agency", "add", file, status=2).stderr
    of_the_jail = deployment.officer("harlan-county-jail")
    result = deployment.run("agency", "add", file, "--as", of_the_jail, status=1)
    assert "[user.not-allowed]" in result.stderr
    assert len(deployment.json("agency", "list")) == 6


def test_a_credential_is_signed_once_the_operator_has_somebody_who_can(deployment: Deployment) -> None:
    deployment.run("agency", "add", "--id", POLICE, "--token")
    officer = deployment.officer()
    result = deployment.run("agency", "add", "--id", POLICE, "--token", status=1)
    assert "[agency.signature-needed]" in result.stderr
    deployment.run("agency", "add", "--id", POLICE, "--token", "--as", officer)
    assert len(deployment.json("agency", "show", POLICE)["credentials"]) == 2


def request(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *, tampered: bool = False) -> Path:
    """A certificate request as an agency makes it, with names and extensions of its own."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "harlan-probation")])
    asked = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("urn:agency:harlan-probation")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(asked, critical=False)
    der = bytearray(made.sign(key, SHA256()).public_bytes(serialization.Encoding.DER))
    if tampered:
        der[-1] ^= 1
    path.write_bytes(der)
    return path


def test_a_certificate_for_the_key_of_a_request_is_written_and_counts(deployment: Deployment, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "own.pem"
    told = deployment.json("agency", "add", "--id", POLICE, "--csr", request(tmp_path / "r", key), "--out", file)
    assert set(told) == {"agency", "certificate", "fingerprint"}
    found = x509.load_pem_x509_certificate(file.read_bytes())
    assert found.public_key() == key.public_key()
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"urn:agency:{POLICE}"]
    assert told["fingerprint"] == found.fingerprint(SHA256()).hex()
    (credential,) = deployment.json("agency", "show", POLICE)["credentials"]
    assert (credential["kind"], credential["fingerprint"]) == ("certificate", told["fingerprint"][:16])


def test_the_certificate_of_a_request_lies_beside_it_and_nothing_is_written_over(
    deployment: Deployment, tmp_path: Path
) -> None:
    csr = request(tmp_path / "r.csr", ec.generate_private_key(ec.SECP256R1()))
    told = deployment.json("agency", "add", "--id", POLICE, "--csr", csr)
    assert Path(told["certificate"]) == tmp_path / f"{POLICE}.cert.pem"
    again = deployment.run("agency", "add", "--id", POLICE, "--csr", csr, status=1)
    assert "[certificate.file-exists]" in again.stderr
    assert len(deployment.json("agency", "show", POLICE)["credentials"]) == 1


def test_a_request_that_is_none_weak_or_not_signed_by_its_key_gets_nothing(
    deployment: Deployment, tmp_path: Path
) -> None:
    strong = ec.generate_private_key(ec.SECP256R1())
    bare = tmp_path / "public.pem"
    bare.write_bytes(
        strong.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    wrong = (
        request(tmp_path / "tampered", strong, tampered=True),
        request(tmp_path / "weak", rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505  (the point)
        bare,
    )
    for csr in wrong:
        file = tmp_path / "none.pem"
        result = deployment.run("agency", "add", "--id", POLICE, "--csr", csr, "--out", file, status=1)
        assert "[certificate.request]" in result.stderr
        assert not file.exists()
    assert deployment.json("agency", "show", POLICE)["credentials"] == []


def test_a_request_of_an_agency_nobody_knows_writes_nothing(deployment: Deployment, tmp_path: Path) -> None:
    csr = request(tmp_path / "r.csr", ec.generate_private_key(ec.SECP256R1()))
    result = deployment.run("agency", "add", "--id", "nobody", "--csr", csr, "--out", tmp_path / "c.pem", status=1)
    assert "[agency.unknown]" in result.stderr
    assert not (tmp_path / "c.pem").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--token",), "--id"),
        (("FILE", "--id", POLICE, "--token", "--as", "x"), "--id"),
        (("FILE",), "--as with your account"),
        (("--id", POLICE), "--token"),
        (("--id", POLICE, "--csr", "FILE", "--issue", "folder"), "one certificate at a time"),
        (("--id", POLICE, "--csr", "FILE", "--certificate", "FILE"), "one certificate at a time"),
        (("--id", POLICE, "--certificate", "FILE", "--out", "x.pem"), "--csr"),
        (("--id", POLICE, "--token", "--out", "x.pem"), "--csr"),
        (("--id", POLICE, "--csr", "no-such-file"), "does not exist"),
    ],
)
def test_what_does_not_go_together_is_wrong_use(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    file = tmp_path / "court.yaml"
    file.write_text(COURT)
    result = command("agency", "add", *(file if word == "FILE" else word for word in words))
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", " ").split())


def test_an_authority_is_registered_with_its_names_and_shown(deployment: Deployment, tmp_path: Path) -> None:
    root = authority("State Root", now=datetime.now(UTC))
    file = tmp_path / "state.pem"
    file.write_bytes(root.pem)
    names = ("--san", "dns:GW.Millbrook.example", "--subject", "CN=Gateway,O=Millbrook,C=US")
    told = deployment.json("agency", "add", "--id", POLICE, "--authority", file, *names)
    assert told["names"] == "dns:gw.millbrook.example, subject:CN=gateway,O=millbrook,C=US"
    shown = deployment.json("agency", "show", POLICE)
    assert shown["credentials"][0]["kind"] == "authority"
    assert shown["credentials"][0]["names"] == told["names"].split(", ", 1)
    assert shown["crls"][0]["state"] == "none"
    assert "dns:gw.millbrook.example" in deployment.run("agency", "show", POLICE).stdout
    row = next(row for row in deployment.json("agency", "list") if row["agency"] == POLICE)
    assert [(each["kind"], each["fingerprint"]) for each in row["credentials"]] == [("authority", told["authority"])]
    revoked = deployment.json("agency", "revoke", POLICE, "--credential", told["authority"][:12])
    assert (revoked["kind"], revoked["revoked"]) == ("authority", True)
    assert deployment.json("agency", "show", POLICE)["crls"] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--certificate", "FILE", "--san", "dns:x.example"), "--authority"),
        (("--authority", "FILE", "--san", "*.example"), "dns:HOST"),
        (("--authority", "FILE", "--san", "subject:CN=x"), "--subject"),
        (("--authority", "FILE", "--subject", "/C=US/CN=x"), "RFC 2253"),
        (("--authority", "FILE", "--csr", "FILE"), "one certificate at a time"),
    ],
)
def test_names_that_do_not_go_with_an_authority_are_wrong_use(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    file = tmp_path / "state.pem"
    file.write_bytes(b"never read")
    result = command("agency", "add", "--id", POLICE, *(file if word == "FILE" else word for word in words))
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", " ").split())


def test_what_a_suspended_agency_holds_is_told_and_written_out(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("agency", "add", "--id", POLICE, "--token")
    officer = deployment.officer()
    file = tmp_path / "held.csv"
    told = deployment.json("agency", "suspend", POLICE, "--list", file, "--as", officer)
    assert (told["agency"], told["suspended"], told["changed"], told["within_seconds"]) == (POLICE, True, True, 5)
    assert told["stopped"]["token"] == 1
    assert told["holds"] == {"count": 0, "perhaps": 0, "groups": []}
    assert {each["role"] for each in told["contacts"]} >= {"liaison"}
    assert file.read_text().startswith("message,dissemination,delivery,sender,agreement,exchange,")
    assert file.stat().st_mode & 0o777 == 0o600
    again = deployment.run("agency", "suspend", POLICE)
    assert "was shut out before" in again.stderr
    assert "Stopped: 1 token" in again.stdout
    assert "Call there:" in again.stdout
    acts = deployment.json("audit", "admin-actions")["rows"]
    assert [each["act"] for each in acts if each["act"] in ("agency", "export")][-2:] == ["agency", "export"]


def test_a_list_goes_with_shutting_out_alone(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("agency", "suspend", POLICE, "--resume", "--list", tmp_path / "x.csv", status=2)
    assert deployment.json("agency", "suspend", POLICE)["changed"] is True
    officer = deployment.officer()
    told = deployment.json("agency", "suspend", POLICE, "--resume", "--as", officer)
    assert told == {"agency": POLICE, "suspended": False}


def test_an_agency_without_a_credential_is_shut_out_too(deployment: Deployment) -> None:
    assert "it had no credential" in deployment.run("agency", "suspend", POLICE).stdout
