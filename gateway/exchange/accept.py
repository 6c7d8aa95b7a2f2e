"""A message in: read, decide, and then one transaction for the message, its disseminations and the audit entries."""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from gateway.agency import Agency, AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry
from gateway.document.canonical import exclusive
from gateway.document.parse import Document, parse
from gateway.errors import Refused, Tampered, Unavailable
from gateway.exchange.chain import Earlier, find_earlier, names_earlier
from gateway.exchange.configured import Configured
from gateway.exchange.consenting import consents_of
from gateway.exchange.decide import Case, Denied, Release
from gateway.exchange.gateway import AgencySuspended, Gateway
from gateway.exchange.refuse import record_refusal
from gateway.exchange.repeat import is_same, with_asked
from gateway.exchange.reply import answer_of
from gateway.exchange.submission import (
    Accepted,
    ActionMismatch,
    IdConflict,
    InvalidMessage,
    NoRecipient,
    PastUnreached,
    SignatureReplayed,
    Submission,
)
from gateway.exchange.trial import Decided, decide_all
from gateway.exchange.write import Writing, outcomes, write
from gateway.finding import errors
from gateway.iepd.header import Header, find_impossible
from gateway.iepd.header import read as read_header
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.keys.payload import KeyGone
from gateway.message import REACHES_PAST_RECIPIENTS, Action
from gateway.policy.emergency import is_release
from gateway.policy.grant import NoMouInForce
from gateway.signing.enveloped import has_signature, verify_enveloped
from gateway.signing.shape import SignatureMissing
from gateway.signing.signature import signer_key
from gateway.store.messages import Known, Stored

OFF_LOOP_SIZE_BYTES = 256 * 1024
"""Documents above this leave the event loop: a 1 MB message takes some 30 ms of CPU."""

TRIES_MAX = 5
"""How often a message is decided again because the configuration or its chain changed under it."""

T = TypeVar("T")


class ConfigurationUnsettled(Unavailable):
    """The configuration, or the chain, changed again and again while the message was decided."""

    code = "configuration.changing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A message read and verified: from here on this document counts, not the bytes that came in.

    content_digest  keyed digest of the canonical content without signature or envelope
    """

    document: Document
    iepd: Iepd
    content_digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A message that may be decided: valid, and following what it says it follows."""

    header: Header
    earlier: Earlier | None
    case: Case


async def accept(gateway: Gateway, submission: Submission) -> Accepted:
    """Accept a message, durably, or raise. A refusal is recorded before it is raised.

    Raises `Refused` and `Tampered` leaves of document, iepd, signing and this package; `Unavailable` when the
    store did not answer: the sender tries again with the same id, and one message comes of it.
    """
    now = gateway.clock.now()
    for _ in range(TRIES_MAX):
        version = gateway.current.version
        try:
            answer = await _try(gateway, submission, now)
        except (Refused, Tampered) as error:
            if await _unchanged(gateway, version):
                await record_refusal(gateway, submission, error, now)
                raise
        else:
            if answer is not None:
                return answer
            await gateway.refresh()
    raise ConfigurationUnsettled("what the message is decided by is being changed; try again")


async def _unchanged(gateway: Gateway, version: int) -> bool:
    """Whether what a refusal was decided under is still in force: an agreement that was just resumed counts at once."""
    await gateway.refresh()
    return gateway.current.version == version


async def _try(gateway: Gateway, submission: Submission, now: datetime) -> Accepted | None:
    """One try under one version of the configuration; None when that or the chain changed before it was stored."""
    configured = gateway.current
    agency = configured.agencies[submission.sender]
    if agency.suspended:
        raise AgencySuspended(agency.id)
    run = running_for(submission)
    read = await run(lambda: read_message(submission, agency, configured, gateway.keys.digest_key, now))
    if submission.sender_id and (known := await gateway.store.known(submission.sender, submission.sender_id)):
        return await _repeat(gateway, submission, read, known)
    judged = await judge(gateway, configured, submission, read, now=now)
    case = judged.case
    decided = await run(lambda: decide_all(case, configured, now=now))
    check_reach(case, decided)
    writing = Writing(
        submission=submission,
        case=case,
        header=judged.header,
        earlier=judged.earlier,
        content_digest=with_asked(read.content_digest, submission.only, gateway.keys.digest_key),
        decided=decided,
        configured=configured,
        now=now,
    )
    stored, answer = await write(gateway, writing)
    if stored is Stored.KNOWN:
        known = await gateway.store.known(submission.sender, submission.sender_id)
        return await _repeat(gateway, submission, read, known) if known else None
    if stored is Stored.REPLAYED:
        raise SignatureReplayed(
            "this signature made a message before, under another id: repeat it under that one, or sign a new message"
        )
    return answer if stored is Stored.STORED else None


def check_reach(case: Case, decided: Decided) -> None:
    """Raises `PastUnreached` where a past recipient would get nothing, `NoRecipient` where everybody would."""
    told, past = outcomes(decided.decisions, {}), {each.recipient for each in case.past}
    if any(each.agency in past for each in told):
        raise PastUnreached(
            "somebody who got the earlier message cannot be told of this one; the earlier one stands",
            told,
            decided.tried,
        )
    if not any(isinstance(decision, Release) for decision in decided.decisions):
        raise NoRecipient("no agreement in force lets any recipient have this message", told, decided.tried)


async def judge(
    gateway: Gateway,
    configured: Configured,
    submission: Submission,
    read: Read,
    *,
    now: datetime,
    consents: bool = True,
) -> Judged:
    """The message valid, its header possible, its earlier message found.

    consents  whether those on file are looked up

    Raises `InvalidMessage`, and what `find_earlier` raises.
    """
    run = running_for(submission)
    if findings := errors(await run(lambda: validate(read.document, read.iepd))):
        raise InvalidMessage(findings)
    header = read_header(read.document, read.iepd)
    if findings := find_impossible(read.document, read.iepd, header, now=now):
        raise InvalidMessage(findings)
    earlier = await find_earlier(gateway.store, submission, header, read.iepd.id)
    # Asked for only where law asks: most messages hold nothing that a consent could open.
    asked = consents and configured.asks_consent(submission.sender, read.iepd.id)
    case = Case(
        consents=await consents_of(gateway, read.document, read.iepd) if asked else (),
        document=read.document,
        iepd=read.iepd,
        sender=submission.sender,
        action=header.action,
        only=submission.only,
        past=earlier.past if earlier is not None and header.action in REACHES_PAST_RECIPIENTS else (),
    )
    return Judged(header=header, earlier=earlier, case=case)


def read_message(
    submission: Submission, agency: Agency, configured: Configured, digest_key: bytes, now: datetime
) -> Read:
    """Parsed, its signature verified, its exchange found. Raises what these raise."""
    document = parse(submission.body)
    if submission.proof is not None:  # the edge asked under a configuration that may be gone
        signer_key(submission.proof.certificate, configured.trust(agency.id), now=now)
    if has_signature(document):
        document = verify_enveloped(document, configured.trust(agency.id), now=now)
    elif agency.signs and submission.proof is None:
        raise SignatureMissing(
            f"messages of {agency.id} are signed, in the message or by WS-Security around it; this one is not"
        )
    iepd = configured.registry.find(document)
    content = exclusive(document.root)
    return Read(document=document, iepd=iepd, content_digest=hmac.digest(digest_key, content, "sha256"))


async def _repeat(gateway: Gateway, submission: Submission, read: Read, known: Known) -> Accepted:
    """The stored answer, when the same is asked. The decision of then stands, whatever is in force now."""
    if not known.content_digest:
        raise KeyGone("this message id was used for a message that is destroyed by now; a new message needs a new id")
    record = await gateway.store.message(known.message)
    assert record is not None  # noqa: S101  (the id and the message are written in one transaction)
    message = record.message
    disseminations = await gateway.store.disseminations(known.message)
    entries = await gateway.store.entries_of(known.message)
    given = {
        each.dissemination.recipient: each.delivery.id for each in disseminations if not is_release(each.dissemination)
    }
    withheld = [_denied(each.entry) for each in entries if _is_withheld(each.entry)]
    key, named = gateway.keys.digest_key, given.keys() | {each.recipient for each in withheld}
    if not is_same(known.content_digest, read.content_digest, submission.only, key, action=message.action, named=named):
        raise IdConflict(
            "this message id was used before for other content or other recipients; a new message needs a new id"
        )
    if submission.act is not None and submission.act[0] is not message.action:
        raise ActionMismatch(f"this id is that of a message with another action: {message.action}")
    if not await names_earlier(gateway.store, submission, message.earlier):
        raise IdConflict(f"this message id was used before to {message.action} another message")
    # Whom the log does not name is no agency: nothing lets it have anything. A cancellation asks nobody.
    asked = submission.only if message.action is not Action.CANCEL else frozenset()
    nobody = [Denied(recipient=each, code=NoMouInForce.code) for each in asked - named]
    answer = Accepted(
        id=known.message,
        sender_id=submission.sender_id,
        received_at=message.received_at,
        digest=message.digest,
        recipients=outcomes([*withheld, *nobody], given),
        entry=entries[0].entry.id,
        receipt=known.receipt.decode(),
        repeated=True,
    )
    # Whoever asks again has perhaps not got the first answer: it is sent again, unless it is still on its way.
    if new := answer_of(gateway, submission.replying, answer, gateway.clock.now()):
        await gateway.store.put_reply(new)
    return answer


def _is_withheld(entry: AuditEntry) -> bool:
    """Whether a recipient was refused when the message came; an emergency release may be refused at any later time."""
    return entry.type == EntryType.WITHHOLD and "kind" not in json.loads(entry.body)


def _denied(entry: AuditEntry) -> Denied:
    body = json.loads(entry.body)
    return Denied(recipient=AgencyId(body["recipient"]), code=body["code"])


def running_for(submission: Submission) -> Callable[[Callable[[], T]], Awaitable[T]]:
    """How what is done to this message is run: at once, or outside the event loop when it is large."""
    return _off_loop if len(submission.body) > OFF_LOOP_SIZE_BYTES else _inline


async def _inline(act: Callable[[], T]) -> T:
    return act()


async def _off_loop(act: Callable[[], T]) -> T:
    return await asyncio.to_thread(act)
