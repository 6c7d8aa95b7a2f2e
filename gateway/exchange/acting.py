"""Acting: a person who does something that counts, under their own key; and whether they may."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.errors import Refused
from gateway.exchange.gateway import Gateway
from gateway.signing.act import NO_SIGNATURE, Sign, sign_said
from gateway.user import User, UserId, UserRole

OFFICERS = (UserRole.COMPLIANCE_OFFICER, UserRole.PRIVACY_OFFICER)
"""Who decides what is in force: agreements, law packs, exchanges, consents."""

RUNS = (*OFFICERS, UserRole.OPERATOR)
"""Who of the operator runs the gateway day by day: lets agencies in, mends what is stuck."""

OPERATOR = AgencyId("")
"""Whoever operates the gateway, in the place of an agency."""


class UserUnknown(Refused):
    """No such account, or it is shut out."""

    code = "user.unknown"


class NotTheirKey(Refused):
    """The key in hand is not the one the account is known by."""

    code = "user.wrong-key"


class NotAllowed(Refused):
    """The account's roles, or the agency it speaks for, do not cover this act."""

    code = "user.not-allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """A person with their key unlocked. public_key: of the key in hand, 64 hex digits."""

    user: UserId
    sign: Sign
    public_key: str


def allowed(gateway: Gateway, acting: Acting, roles: tuple[UserRole, ...], *agencies: AgencyId) -> User:
    """The account, when it may act so. agencies: those it must speak for one of; none = whomever it speaks for.

    Raises `UserUnknown`, `NotTheirKey`, `NotAllowed`.
    """
    user = gateway.current.users.get(acting.user)
    if user is None or user.disabled_at is not None:
        raise UserUnknown(f"there is no account {acting.user}; `gateway user list` shows those there are")
    if user.public_key != acting.public_key:
        raise NotTheirKey(f"this is not the key that {acting.user} is known by")
    if not user.may(*roles):
        raise NotAllowed(f"{user.id} would need to be {' or '.join(roles)}")
    if agencies and user.agency not in agencies:
        operator = "the gateway's operator"
        speaks, wanted = user.agency or operator, " or ".join(agency or operator for agency in agencies)
        raise NotAllowed(f"{user.id} speaks for {speaks}; this is for somebody of {wanted}")
    return user


def sign_entry(
    gateway: Gateway,
    type: EntryType,
    acting: Acting,
    person: User,
    *,
    at: datetime,
    second: tuple[Acting, User] | None = None,
    **fields: Any,
) -> AuditEntry:
    """The entry of an act, signed by the person who does it, and by a second one where it takes two. What they sign is
    the entry itself, every key of it but the signatures: an outsider needs nothing else.

    fields  `agency` and `fingerprint` given here are of what is acted upon; whoever signs speaks for the operator then
    """
    fields = {"agency": person.agency or None, "fingerprint": fingerprint(person.public_key), **fields}
    signers: dict[str, Acting] = {"signature": acting}
    if second is not None:
        signers["second_signature"], other = second
        fields |= {
            "second": other.id,
            "second_agency": other.agency or None,
            "second_fingerprint": fingerprint(other.public_key),
        }
    fields |= {"id": gateway.new_id(at), "at": at, "actor": person.id}
    # Types that take a signature cannot be made without one; which it is makes no difference to what is signed.
    said = make(type, **fields | dict.fromkeys(signers, NO_SIGNATURE))
    signatures = {key: sign_said(said.body, who.user, who.sign) for key, who in signers.items()}
    return make(type, **fields | signatures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who does it: a person of the operator with one of these roles, or a program (`actor`)."""

    by: Acting | None
    actor: str
    roles: tuple[UserRole, ...] = RUNS


def entry_by(gateway: Gateway, type: EntryType, signer: Signer, *, at: datetime, **fields: Any) -> AuditEntry:
    """The entry of an act of the operator, signed when a person does it. Raises what `allowed` raises.

    fields  as `sign_entry` takes them
    """
    if signer.by is not None:
        person = allowed(gateway, signer.by, signer.roles, OPERATOR)
        return sign_entry(gateway, type, signer.by, person, at=at, **fields)
    return make(type, id=gateway.new_id(at), at=at, actor=signer.actor, **fields)


def fingerprint(public_key: str) -> str:
    """SHA-256 of the raw public key, 64 hex digits: how entries name a person's key."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()
