"""Which cryptographic modules this process runs, and whether they run as validated ones: asked of the modules."""

import hashlib
import ssl

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hashes


def modules() -> tuple[tuple[str, str, bool], ...]:
    """What each is for, its version, and whether it is in FIPS mode: a module in that mode refuses MD5."""
    return (
        ("TLS", ssl.OPENSSL_VERSION, not _hashlib_has_md5()),
        ("signatures, payloads, log", f"{backend.openssl_version_text()} (cryptography)", not _cryptography_has_md5()),
    )


def _hashlib_has_md5() -> bool:
    try:
        hashlib.new("md5")  # noqa: S324  # asked for, not used
    except ValueError:
        return False
    return True


def _cryptography_has_md5() -> bool:
    try:
        hashes.Hash(hashes.MD5())  # noqa: S303  # asked for, not used
    except UnsupportedAlgorithm:
        return False
    return True
