"""What people have to do after a restore, in words: a database can be put back, the world around it cannot."""

from collections.abc import Mapping
from datetime import datetime

from gateway.backup.judge import KnownHead, Since
from gateway.clock import timestamp


def advice(
    *,
    last_at: datetime | None,
    size: int,
    rolled_back_past: KnownHead | None,
    since: Since | None,
    keys_asked: bool,
    uncertified: int,
    unlisted: int,
    overdue: int,
    buckets_missing: int,
    forced: bool,
) -> tuple[str, ...]:
    """Sentences, in the order in which they are to be done.

    last_at           when the newest restored entry was written
    size              entries of the restored log
    rolled_back_past  the largest head that somebody remembers beyond it; None when nobody does
    since             what a newer log says of the time after; None when there was none to read
    keys_asked        a newer state of the key directory said what was forgotten since
    uncertified       runs of destruction in the newer log whose certificates were not given
    unlisted          payloads that certificates count and do not name
    overdue           what is past its time and still listed by the database
    buckets_missing   buckets that payloads lie in and whose keys are not here
    """
    moment = timestamp(last_at) if last_at else "the beginning"
    said = [
        (
            f"Ask every sender to send again what it sent since {moment}, under the same ids. What was accepted before "
            "is answered with its first receipt and not sent twice; what was accepted later is new to this gateway: it "
            "gets a new id, and a recipient who had it already sees it a second time, as a new notice."
        ),
        (
            f"Deliveries that were waiting at {moment} go out again under the ids they had; recipients drop what they "
            "have. Tell agencies with an inbox that items they acknowledged since then are listed again."
        ),
        (
            "Receipts given since then name entries that this log does not have. Whoever holds one can show it against "
            "us: keep the old disk, and say so before they find out. What this gateway countersigned of partners' logs "
            "since then it has forgotten too: ask them for the last head it signed."
        ),
        *_undone(since, moment),
    ]
    if not keys_asked:
        said += _destroyed(since, moment, uncertified, unlisted)
    if overdue:
        said.append("Payloads past their time were not brought back. Run gateway retention run: it certifies that.")
    if overdue and since is None:
        said.append(
            f"That went by the legal holds of {moment}. If one was placed since, do not back up yet, which would bring "
            "the copies of erasable keys to what they are now: restore once more from them with --log, or --move-aside."
        )
    if buckets_missing:
        said.append(
            f"{buckets_missing} buckets of payload keys were not brought: what lies in them cannot be read. Restore "
            "once more with --keys FOLDER, or let senders send again."
        )
    if rolled_back_past is not None and forced:
        said += _fork(size, rolled_back_past)
    said.append("Make a new backup now, and destroy old copies of erasable keys: the new ones take their place.")
    return tuple(said)


def _undone(since: Since | None, moment: str) -> list[str]:
    if since is None:
        said = (
            f"No newer log was at hand. Whatever people did since {moment} is undone: credentials that were revoked, "
            "accounts and agencies that were shut out, consents that were revoked, agreements that were suspended or "
            "ended, legal holds. Find out what it was, and do it again before you serve."
        )
        return [said]
    if not since.undone:
        return []
    acts = ", ".join(f"{number} {type}" for type, number in _by_type(since).items())
    return [f"What people did since {moment} is undone ({acts}; listed above). Do it again before you serve."]


def _destroyed(since: Since | None, moment: str, uncertified: int, unlisted: int) -> list[str]:
    """What was destroyed one by one, before its time, is in nobody's calendar."""
    if since is None:
        how = f"Payloads that were sealed or expunged since {moment} may be readable if old keys were brought."
    elif uncertified or unlisted:
        how = (
            f"The newer log has {uncertified} runs of destruction whose certificates were not given, and the given "
            f"ones count {unlisted} payloads that they do not name. What those destroyed may be readable."
        )
    else:
        return []
    return [f"{how} Partners were sent the certificates: give each with --certificate, or destroy it again by hand."]


def _by_type(since: Since) -> Mapping[str, int]:
    types: dict[str, int] = {}
    for act in since.undone:
        types[act.act] = types.get(act.act, 0) + 1
    return types


def _fork(size: int, head: KnownHead) -> list[str]:
    known = head.checkpoint.size
    what = (
        f"The log now goes on from {size} entries, while {head.where} remembers {known}. That is a fork: every partner "
        "that cosigns will refuse the next checkpoint and raise an alarm. That is what they are for."
    )
    tell = (
        "Call each partner before you serve, person to person. Tell them: when the machine was lost, the two sizes "
        f"({size} and {known}), that the restore is an entry of the log with a person's signature, and that entries "
        "between the two sizes are not in it. They keep their last checkpoint as evidence and accept the log again by "
        "an act of their own."
    )
    return [what, tell]
