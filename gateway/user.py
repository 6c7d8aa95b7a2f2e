"""User: a person who acts - signs an agreement, puts it in force, releases a record - under a key of their own."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from gateway.agency import AgencyId

UserId = NewType("UserId", str)

USER_ID = re.compile(r"[a-z][a-z0-9]*([._-][a-z0-9]+)*")
"""An account, "dana.whitcombe", at most 60 characters; it stands in the audit log as the one who acted."""

USER_ID_LENGTH_MAX = 60


class UserRole(StrEnum):
    """What a person is trusted with."""

    ADMINISTRATOR = "administrator"  # adds and shuts out people
    OPERATOR = "operator"  # runs the gateway: agencies, credentials, deliveries
    SIGNATORY = "signatory"  # signs agreements for the agency: its head, or whoever may bind it
    COMPLIANCE_OFFICER = "compliance-officer"  # puts agreements in force, suspends and ends them; consents
    PRIVACY_OFFICER = "privacy-officer"  # the same, and emergency release
    SUPERVISOR = "supervisor"  # second person of an emergency release


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One person's account. Those shut out stay, so that what they signed can still be verified.

    agency      whom the person speaks for; "" = whoever operates the gateway
    public_key  Ed25519, 64 hex digits; the private half is with the person
    """

    id: UserId
    agency: AgencyId
    roles: frozenset[UserRole]
    public_key: str
    since: datetime
    disabled_at: datetime | None = None

    def __post_init__(self) -> None:
        if len(self.id) > USER_ID_LENGTH_MAX or not USER_ID.fullmatch(self.id):
            raise ValueError("an account is lower case words joined by points or hyphens, at most 60 characters")
        if not self.roles:
            raise ValueError("an account has at least one role")
        if not re.fullmatch(r"[0-9a-f]{64}", self.public_key):
            raise ValueError("an account's key is 64 hex digits")

    def may(self, *roles: UserRole) -> bool:
        """Whether the person is let in and has one of these roles."""
        return self.disabled_at is None and not self.roles.isdisjoint(roles)
