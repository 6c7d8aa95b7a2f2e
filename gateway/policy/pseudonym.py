"""Pseudonyms: a token in place of a value, the same for the same value within one agreement and one period.

Whoever holds two messages under one agreement can tell that they speak of the same number, and not which number it
is; across two agreements, or two periods, the tokens have nothing in common. A token is HMAC-SHA-256 under a key of
the agreement and the period, over the field's label and the value; the key is given in (`gateway.keys.pseudonym`).
A pseudonym is not anonymity: who may guess a value cannot check the guess without the key, but who gets enough else
about a person may know the person all the same. For victims' data it is no protection in law, and is refused.
"""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

KEY_SIZE_BYTES = 32
_LENGTHS = (26, 20, 16)
"""Characters of a token, five bits each: the longest that the field's type takes. 80 bits are the least."""

_TAG = b"gateway/pseudonym/1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudonymKey:
    """Key of one agreement for one period.

    period  as the deployment names it, "2026"
    secret  32 bytes; b"" = there is none, and what would become a token is withheld
    """

    agreement: str
    period: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) not in {0, KEY_SIZE_BYTES}:
            raise ValueError(f"a pseudonym key has {KEY_SIZE_BYTES} bytes")


NO_KEY = PseudonymKey(agreement="", period="", secret=b"")


def pseudonymizing(key: PseudonymKey, label: str, length: int) -> Callable[[str], str | None]:
    """The transform of one field. None for every value when there is no key or no room for a token."""

    def pseudonymize(value: str) -> str | None:
        if not key.secret or not length:
            return None
        # Blanks at the ends and double ones are how a value is written, not what it is.
        return _token(key.secret, f"{label}\0{' '.join(value.split())}", length)

    return pseudonymize


def token_length(accepted: Callable[[str], bool]) -> int | None:
    """How long a token may be: the longest form of which the type takes every probe."""
    return next((length for length in _LENGTHS if all(accepted(each) for each in _probes(length))), None)


def _probes(length: int) -> tuple[str, ...]:
    """Tokens as they come: of letters, of digits, of both."""
    return ("a" * length, "z" * length, "7" * length, *(_token(b"", str(number), length) for number in range(3)))


def _token(secret: bytes, text: str, length: int) -> str:
    mac = hmac.digest(secret, _TAG + text.encode(), "sha256")
    return base64.b32encode(mac).decode().lower()[:length]
