"""A wsse:UsernameToken: its one shape, and how its password is stored and compared.

Only the password itself is taken, under TLS. A PasswordDigest is SHA-1 over a password that the verifier would have to
keep in the clear: it protects nothing that TLS does not, and gives away what a stolen database would not.
Source: OASIS WS-Security UsernameToken Profile 1.1.1, section 3.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from lxml import etree

from gateway.document.names import WSSE, WSU
from gateway.errors import Refused
from gateway.signing.key_reference import BASE64
from gateway.signing.security import moment
from gateway.signing.shape import SignatureShape

_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
TEXT = f"{_PROFILE}#PasswordText"
DIGEST = f"{_PROFILE}#PasswordDigest"

LENGTH_MAX = 256
"""Letters of a username or a password; of each base64 digit of a nonce too."""

SALT_SIZE_BYTES = 16
_LOG_N, _R, _P, _KEY_SIZE_BYTES = 14, 8, 5, 32
"""16 MB and a fifth of a second: OWASP's equal of N = 2^17, p = 1, without its 128 MB for each request at once."""


class PasswordDigestRefused(Refused):
    """A UsernameToken with a PasswordDigest."""

    code = "identity.password-digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsernameToken:
    """What a UsernameToken says. `created` None = it does not say when it was made."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    created: datetime | None = None


def read_username(token: etree._Element) -> UsernameToken:
    """Raises `SignatureShape`, `PasswordDigestRefused`."""
    parts: dict[str, etree._Element] = {}
    for child in token.iterchildren(etree.Element):
        if child.tag in parts or child.tag not in _PARTS or len(child):
            raise SignatureShape("a UsernameToken holds Username, Password, and perhaps Nonce and Created, once each")
        parts[str(child.tag)] = child
    if not {_USERNAME, _PASSWORD} <= parts.keys():
        raise SignatureShape("a UsernameToken holds a Username and a Password")
    kind = parts[_PASSWORD].get("Type", TEXT)
    if kind == DIGEST:
        raise PasswordDigestRefused(
            "PasswordDigest is refused, for it is SHA-1: send PasswordText; TLS is what protects it"
        )
    if kind != TEXT:
        raise SignatureShape("a Password's Type is PasswordText")
    if _NONCE in parts:
        _check_nonce(parts[_NONCE])
    return UsernameToken(
        username=_text(parts[_USERNAME]),
        password=_text(parts[_PASSWORD]),
        created=moment(parts[_CREATED]) if _CREATED in parts else None,
    )


_USERNAME, _PASSWORD, _NONCE = (f"{{{WSSE}}}{name}" for name in ("Username", "Password", "Nonce"))
_CREATED = f"{{{WSU}}}Created"
_PARTS = frozenset({_USERNAME, _PASSWORD, _NONCE, _CREATED})


def _text(element: etree._Element) -> str:
    text = element.text or ""
    if not 0 < len(text) <= LENGTH_MAX:
        raise SignatureShape(f"a Username and a Password have 1 to {LENGTH_MAX} letters")
    return text


def _check_nonce(element: etree._Element) -> None:
    """It is text and nothing more: what may not come twice is told by ids and signatures (decision 0028)."""
    text = (element.text or "").strip()
    if element.get("EncodingType", BASE64) != BASE64 or not 0 < len(text) <= LENGTH_MAX:
        raise SignatureShape("a Nonce is written in base64")
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureShape("a Nonce is written in base64") from error


def password_record(username: str, password: str, salt: bytes) -> bytes:
    """What is stored of a username and its password. salt: `SALT_SIZE_BYTES` that nobody else has."""
    key = _derived(password, salt, _LOG_N, _R, _P)
    parts = (username, f"scrypt,{_LOG_N},{_R},{_P}", base64.b64encode(salt).decode(), base64.b64encode(key).decode())
    return "\n".join(parts).encode()


def name_in(record: bytes) -> str:
    """The username of a record."""
    return record.decode().partition("\n")[0]


def fits_record(username: str, password: str, record: bytes) -> bool:
    """Whether these are they. Takes the same time whichever of the two is wrong."""
    name, costs, salt, key = record.decode().split("\n")
    _, log_n, r, p = costs.split(",")
    derived = _derived(password, base64.b64decode(salt), int(log_n), int(r), int(p))
    same_name = hmac.compare_digest(username.encode(), name.encode())
    return hmac.compare_digest(derived, base64.b64decode(key)) and same_name


def _derived(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=_KEY_SIZE_BYTES, n=1 << log_n, r=r, p=p).derive(password.encode())
