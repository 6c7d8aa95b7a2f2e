"""Persons as tests look for them."""

from gateway.exchange.disclosed import sought
from gateway.policy.person import Person


def by(*subjects: str, name: str = "", born: str = "") -> Person:
    """Whom these words mean."""
    return sought(subjects, name=name, born=born)


CALVIN = by("SID=FR1190284")
"""The subject of the fullest sample."""
