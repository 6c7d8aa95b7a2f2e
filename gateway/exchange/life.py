"""Where agreements stand, and how they came there: what is due and lacking, every act with its signature checked."""

import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.exchange.acting import fingerprint
from gateway.exchange.agreements import AgreementUnknown, act_of, lacks_of
from gateway.exchange.configured import Configured
from gateway.exchange.gateway import Gateway
from gateway.finding import errors
from gateway.policy.approval import Lack
from gateway.policy.mou import Mou
from gateway.policy.read import read_mou
from gateway.policy.reading import nearest
from gateway.signing.act import ActSignatureWrong, verify_act, verify_said
from gateway.store.configuration import Agreement, AgreementState, Approval
from gateway.store.log import StoredEntry
from gateway.user import User, UserId

ENDS_SOON = timedelta(days=60)
"""How long before its last day a new version should be on its way: counsel and two signatures take weeks."""

PAGE = 1000

ACTS = tuple(
    each for each in EntryType if each in {"register", "approve", "withdraw", "check", "activate", "suspend", "end"}
)
"""Types of entries that are acts on an agreement."""


class Due(StrEnum):
    """What somebody should see to."""

    REVIEW = "review-overdue"  # its review date is past
    ENDS = "ends-soon"  # its last day is within 60 days
    OVER = "over"  # its last day is past, and nobody ended it
    UNSIGNED = "unsigned"  # approvals are lacking
    UNREADABLE = "unreadable"  # a draft that does not fit the exchanges registered now


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was counted while a version was on trial.

    messages   those it was tried on
    released   by recipient, how many it would have got
    nothing    by recipient and code, how many it would not
    withheld, reduced  by label, how many places
    """

    messages: int = 0
    released: Mapping[AgencyId, int] = field(default_factory=dict)
    nothing: Mapping[tuple[AgencyId, str], int] = field(default_factory=dict)
    withheld: Mapping[str, int] = field(default_factory=dict)
    reduced: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStatus:
    """One version. `mou` is None when it cannot be read. since: of its state."""

    agreement: Agreement
    mou: Mou | None
    since: datetime
    due: tuple[Due, ...]
    approvals: tuple[Approval, ...]
    lacks: tuple[Lack, ...]
    trial: Trial


class Signature(StrEnum):
    """Whether an act is the person's who is named."""

    VERIFIED = "verified"
    WRONG = "wrong"
    NO_KEY = "no-key"  # nobody of that name is known here
    NONE = "none"  # the act carries none


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One act, as the log has it. index: its place in the log, None until it is ordered."""

    act: str
    version: int
    digest: str
    state: str
    at: datetime
    by: UserId
    agency: AgencyId
    signature: Signature
    entry: str
    index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionHistory:
    """One version's digest and state now, and its approvals, each with what its signature is worth."""

    version: int
    digest: str
    state: AgreementState
    approvals: tuple[tuple[Approval, Signature], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Of one agreement, from its first act on."""

    mou: str
    versions: tuple[VersionHistory, ...]
    acts: tuple[Done, ...]


def mou_of(configured: Configured, agreement: Agreement) -> Mou | None:
    """The version as a value, a draft too; None when a draft does not fit what is registered now."""
    known = configured.mous.get((agreement.mou, agreement.version))
    if known is not None:
        return known
    mou, findings = read_mou(agreement.body, f"{agreement.mou} version {agreement.version}", configured.iepds)
    return None if errors(findings) else mou


async def status_of(gateway: Gateway, id: str | None = None) -> tuple[VersionStatus, ...]:
    """Every version of this agreement, or of all. Raises `AgreementUnknown`."""
    await gateway.refresh()
    configured, now = gateway.current, gateway.clock.now()
    asked = _versions(configured, id)
    trials = await _trials(gateway)
    return tuple(_status(configured, one, now, trials.get(f"{one.mou}@{one.version}", Trial())) for one in asked)


async def history_of(gateway: Gateway, id: str) -> History:
    """Every act on this agreement, in the order of the log. Raises `AgreementUnknown`."""
    await gateway.refresh()
    configured = gateway.current
    acts = [
        _done(stored, body, configured.users)
        async for stored, body in _entries(gateway, ACTS)
        if str(body.get("mou", "")).rpartition("@")[0] == id
    ]
    versions = tuple(
        VersionHistory(
            version=one.version,
            digest=one.digest,
            state=one.state,
            approvals=tuple((each, _approved(each, configured.users)) for each in _approvals(configured, one)),
        )
        for one in _versions(configured, id)
    )
    return History(mou=id, versions=versions, acts=tuple(acts))


def _versions(configured: Configured, id: str | None) -> tuple[Agreement, ...]:
    found = tuple(one for one in configured.agreements if id in {None, one.mou})
    if id is not None and not found:
        known = sorted({one.mou for one in configured.agreements})
        raise AgreementUnknown(f"no agreement {id} is known here{nearest(id, known)}")
    return found


def _approvals(configured: Configured, agreement: Agreement) -> tuple[Approval, ...]:
    key = (agreement.mou, agreement.version)
    return tuple(one for one in configured.approvals if (one.mou, one.version) == key)


def _status(configured: Configured, agreement: Agreement, now: datetime, trial: Trial) -> VersionStatus:
    mou = mou_of(configured, agreement)
    ended = agreement.state is AgreementState.ENDED
    lacks = () if mou is None or ended else lacks_of(configured, mou, now)
    return VersionStatus(
        agreement=agreement,
        mou=mou,
        since=agreement.changed_at,
        due=() if ended else due(mou, lacks, configured.day(now)),
        approvals=_approvals(configured, agreement),
        lacks=lacks,
        trial=trial,
    )


def due(mou: Mou | None, lacks: tuple[Lack, ...], today: date) -> tuple[Due, ...]:
    """What is due about a version that has not ended. Pure."""
    if mou is None:
        return (Due.UNREADABLE,)
    asked = {
        Due.REVIEW: mou.review_by is not None and mou.review_by < today,
        Due.ENDS: today <= mou.until <= today + ENDS_SOON,
        Due.OVER: mou.until < today,
        Due.UNSIGNED: bool(lacks),
    }
    return tuple(each for each, holds in asked.items() if holds)


async def _entries(gateway: Gateway, types: Iterable[EntryType]) -> AsyncIterator[tuple[StoredEntry, dict[str, Any]]]:
    words, after = [each.value for each in types], ""
    while page := await gateway.store.entries_of_types(words, after=after, limit=PAGE):
        for stored in page:
            yield stored, json.loads(stored.entry.body)
        after = page[-1].entry.id


@dataclass(slots=True)
class _Counting:
    """One version's trial while its entries are read. Those of one message stand together in the log."""

    last: str = ""
    messages: int = 0
    released: Counter[AgencyId] = field(default_factory=Counter)
    nothing: Counter[tuple[AgencyId, str]] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    reduced: Counter[str] = field(default_factory=Counter)

    def add(self, body: Mapping[str, Any]) -> None:
        """Count one entry."""
        self.messages += body.get("message") != self.last
        self.last = body.get("message", "")
        recipient = AgencyId(body["recipient"])
        if "code" in body:
            self.nothing[recipient, body["code"]] += 1
        else:
            self.released[recipient] += 1
            self.withheld.update(body.get("withheld", {}))
            self.reduced.update(body.get("reduced", {}))


async def _trials(gateway: Gateway) -> dict[str, Trial]:
    counting: defaultdict[str, _Counting] = defaultdict(_Counting)
    async for _, body in _entries(gateway, (EntryType.TRIAL,)):
        counting[body["mou"]].add(body)
    return {
        mou: Trial(
            messages=each.messages,
            released=dict(sorted(each.released.items())),
            nothing=dict(sorted(each.nothing.items())),
            withheld=dict(sorted(each.withheld.items())),
            reduced=dict(sorted(each.reduced.items())),
        )
        for mou, each in counting.items()
    }


def _done(stored: StoredEntry, body: Mapping[str, Any], users: Mapping[UserId, User]) -> Done:
    actor = UserId(body.get("actor", ""))
    signature, key = str(body.get("signature", "")), str(body.get("fingerprint", ""))
    version = str(body["mou"]).rpartition("@")[2]
    return Done(
        act=body["type"],
        version=int(version),
        digest=str(body.get("mou_digest") or body.get("digest", "")),
        state=body.get("state", ""),
        at=datetime.fromisoformat(str(body["at"])),  # of the body, which is signed, not of the row beside it
        by=actor,
        agency=AgencyId(body.get("agency", "")),
        signature=_worth(partial(verify_said, stored.entry.body, actor), signature, users.get(actor), key),
        entry=str(body["id"]),
        index=stored.index,
    )


def _approved(approval: Approval, users: Mapping[UserId, User]) -> Signature:
    user = users.get(approval.user)
    act = act_of(approval, user.agency if user is not None else AgencyId(""))
    return _worth(partial(verify_act, act), approval.signature, user)


def _worth(verify: Callable[[str, str], None], signature: str, user: User | None, key: str = "") -> Signature:
    """What a signature is worth. key: fingerprint that the entry gives of the person's key, "" = it gives none."""
    if not signature:
        return Signature.NONE
    if user is None:
        return Signature.NO_KEY
    if key and key != fingerprint(user.public_key):
        return Signature.WRONG
    try:
        verify(signature, user.public_key)
    except ActSignatureWrong:
        return Signature.WRONG
    return Signature.VERIFIED
