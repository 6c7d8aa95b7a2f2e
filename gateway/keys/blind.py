"""Blind index: what a person is known by, hashed with a key, so that the database can find without telling.

Whoever has the database and not the key learns nothing from it, not even by guessing: there are few state ID numbers,
and a plain hash of one is found by trying all.
"""

import hmac

_PURPOSE = b"gateway/blind-subject/1\0"


def blind(key: bytes, term: str) -> str:
    """64 hex digits: HMAC-SHA256 of the term. Other uses of the same key never give the same value."""
    return hmac.digest(key, _PURPOSE + term.encode(), "sha256").hex()
