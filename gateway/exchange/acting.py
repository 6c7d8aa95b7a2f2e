"""Acting: a person who does something that counts, under their own key; and whether they may."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.agency import AgencyId
from gateway.audit.catalog import FORMS, EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.errors import Refused
from gateway.exchange.gateway import Gateway
from gateway.signing.act import Act, Sign, sign_act
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """An audit entry that carries a person's signature, and that signature."""

    entry: AuditEntry
    signature: str


def sign_entry(
    gateway: Gateway,
    type: EntryType,
    acting: Acting,
    person: User,
    *,
    of: str,
    digest: str,
    at: datetime,
    parties: tuple[AgencyId, ...] = (),
    **fields: Any,
) -> Signed:
    """The entry of a signed act. An outsider builds the act again from the entry: its type, subject, digest, agency,
    actor and moment.

    of      what it is done to: the act's subject
    fields  `agency` and `fingerprint` given here are of what is acted upon; the act is then the operator's
    """
    if "digest" in FORMS[type].keys:
        fields["digest"] = digest or None
    fields = {"agency": person.agency or None, "fingerprint": fingerprint(person.public_key), **fields}
    act = Act(act=type.value, subject=of, digest=digest, agency=person.agency, user=person.id, at=at)
    signature = sign_act(act, acting.sign)
    entry = make(
        type,
        id=gateway.new_id(at),
        at=at,
        parties=parties,
        actor=person.id,
        signature=signature,
        **fields,
    )
    return Signed(entry=entry, signature=signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who does it: a person of the operator with one of these roles, or a program (`actor`)."""

    by: Acting | None
    actor: str
    roles: tuple[UserRole, ...] = RUNS


def entry_by(
    gateway: Gateway, type: EntryType, signer: Signer, *, of: str, digest: str, at: datetime, **fields: Any
) -> AuditEntry:
    """The entry of an act of the operator, signed when a person does it. Raises what `allowed` raises.

    of, digest, fields  as `sign_entry` takes them
    """
    if signer.by is not None:
        person = allowed(gateway, signer.by, signer.roles, OPERATOR)
        return sign_entry(gateway, type, signer.by, person, of=of, digest=digest, at=at, **fields).entry
    if "digest" in FORMS[type].keys:
        fields["digest"] = digest or None
    return make(type, id=gateway.new_id(at), at=at, actor=signer.actor, **fields)


def fingerprint(public_key: str) -> str:
    """SHA-256 of the raw public key, 64 hex digits: how entries name a person's key."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()
