"""People who act: letting them in under a key of their own, and shutting them out."""

from dataclasses import replace
from typing import Any

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.errors import Refused
from gateway.exchange.acting import Acting, UserUnknown, allowed, fingerprint, sign_entry
from gateway.exchange.activate import AgencyUnknown, change, decided_anew
from gateway.exchange.gateway import Gateway
from gateway.user import User, UserId, UserRole


class UserTaken(Refused):
    """The account is there already; another key is another account."""

    code = "user.exists"


class AdministratorNeeded(Refused):
    """There are administrators; one of them adds people."""

    code = "user.administrator-needed"


class LastAdministrator(Refused):
    """Nobody could add people any more."""

    code = "user.last-administrator"


@decided_anew
async def add_user(gateway: Gateway, user: User, *, by: Acting | None = None, actor: str = "") -> User:
    """Let a person in. Without `by` only while there is no administrator: whoever can run commands on the machine then
    makes the first one, and the sample officers. `actor` is what the log then names.

    Raises `UserTaken`, `AdministratorNeeded`, `AgencyUnknown` and what `allowed` raises.
    """
    check_new_user(gateway, user.id, user.agency, by)
    now = gateway.clock.now()
    user = replace(user, since=now, disabled_at=None)
    fields: dict[str, Any] = {
        "user": user.id,
        "roles": tuple(sorted(user.roles)),
        "speaks_for": user.agency or None,
        "key": fingerprint(user.public_key),
        "action": "add",
    }
    if by is not None:
        administrator = allowed(gateway, by, (UserRole.ADMINISTRATOR,))
        entry = sign_entry(gateway, EntryType.USER, by, administrator, at=now, **fields)
    else:
        entry = make(
            EntryType.USER,
            id=gateway.new_id(now),
            at=now,
            actor=actor,
            **fields,
        )
    await change(gateway, [user], [entry])
    return user


def check_new_user(gateway: Gateway, id: UserId, agency: AgencyId, by: Acting | None) -> None:
    """Whether such an account may be added. Raises as `add_user` does."""
    if id in gateway.current.users:
        raise UserTaken(f"there is an account {id} already; another person or key takes another name")
    if agency and agency not in gateway.current.agencies:
        raise AgencyUnknown(f"there is no agency {agency}")
    if by is not None:
        allowed(gateway, by, (UserRole.ADMINISTRATOR,))
    elif _administrators(gateway):
        raise AdministratorNeeded("an administrator adds people: give --as with an administrator's account")


@decided_anew
async def disable_user(gateway: Gateway, id: str, *, by: Acting) -> User:
    """Shut a person out. What they signed stays signed. Raises `UserUnknown`, `LastAdministrator`."""
    administrator = allowed(gateway, by, (UserRole.ADMINISTRATOR,))
    user = next((one for one in gateway.current.users.values() if one.id == id), None)
    if user is None or user.disabled_at is not None:
        raise UserUnknown(f"there is no account {id}")
    if [one.id for one in _administrators(gateway)] == [user.id]:
        raise LastAdministrator(f"{id} is the only administrator; add another first")
    now = gateway.clock.now()
    shut = replace(user, disabled_at=now)
    signed = sign_entry(gateway, EntryType.USER, by, administrator, at=now, user=user.id, action="disable")
    await change(gateway, [shut], [signed])
    return shut


def _administrators(gateway: Gateway) -> list[User]:
    return [one for one in gateway.current.users.values() if one.may(UserRole.ADMINISTRATOR)]


def people_of(gateway: Gateway, agency: AgencyId) -> list[User]:
    """Those who speak for an agency, shut out or not."""
    return [one for one in gateway.current.users.values() if one.agency == agency]
