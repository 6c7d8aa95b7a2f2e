"""The JDK, which most partners' systems run on, verifies what we sign. Skipped where there is no JDK."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.signing.certificate import to_pem
from gateway.signing.cover import sign_cover
from gateway.signing.enveloped import sign_enveloped
from tests.signing.parties import JAIL, certified, cover, jail, notice, p384, rsa_key

VERIFY = Path(__file__).with_name("Verify.java")


def test_the_jdk_verifies_covers_and_enveloped_documents_and_refuses_changed_ones(tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        pytest.skip("needs a JDK")
    lines, expected = [], []
    for number, signer in enumerate((jail(), certified(p384(), JAIL), certified(rsa_key(2048), JAIL))):
        certificate = tmp_path / f"{number}.pem"
        certificate.write_bytes(to_pem(signer.certificate_der))
        for kind, data in (("cover", sign_cover(cover(), signer)), ("enveloped", sign_enveloped(notice(), signer))):
            changed = data.replace(b"public-safety", b"public-curiosity").replace(b"Ada", b"Eva")
            for verdict, content in (("true", data), ("false", changed)):
                file = tmp_path / f"{number}-{kind}-{verdict}.xml"
                file.write_bytes(content)
                lines.append(f"{certificate}\t{file}")
                expected.append(verdict)
    listing = tmp_path / "listing"
    listing.write_text("\n".join(lines))
    done = subprocess.run([java, str(VERIFY), str(listing)], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == expected
