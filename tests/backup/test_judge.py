"""A restored log is judged by what others remember; what came after it is named."""

import json

from gateway.audit.checkpoint import Checkpoint
from gateway.backup.advice import advice
from gateway.backup.judge import NOTHING_NEWER, KnownHead, newest, since
from tests.store.examples import NOW


def head(size: int, where: str = "a partner") -> KnownHead:
    return KnownHead(where=where, checkpoint=Checkpoint(origin="gateway.test", size=size, root=bytes(32)))


def said(**given: object) -> str:
    plain: dict[str, object] = {
        "last_at": NOW,
        "size": 7,
        "rolled_back_past": None,
        "since": NOTHING_NEWER,
        "keys_asked": True,
        "uncertified": 0,
        "unlisted": 0,
        "overdue": 0,
        "buckets_missing": 0,
        "forced": False,
    }
    return "\n".join(advice(**(plain | given)))  # type: ignore[arg-type]


def test_the_largest_head_beyond_the_log_is_the_one_that_counts() -> None:
    assert newest([head(3), head(9), head(8)], above=7) == head(9)
    assert newest([head(7), head(3)], above=7) is None
    assert newest([], above=0) is None


def test_acts_after_a_backup_are_named_those_that_protect_people_first() -> None:
    bodies = [
        {"type": "receive", "at": "t1", "message": "m"},
        {"type": "credential", "action": "revoke", "at": "t2", "agency": "millbrook-police"},
        {"type": "hold", "at": "t3", "hold": "h-1", "mou": "JAIL-PD-2026-01@1"},
        {"type": "destroy", "kind": "intent", "at": "t4", "run": "r-1"},
        {"type": "destroy", "kind": "certificate", "at": "t5", "run": "r-1", "document": "sha-256:00"},
    ]
    found = since([json.dumps(body).encode() for body in bodies])
    assert [(act.act, act.of) for act in found.undone] == [
        ("hold", "JAIL-PD-2026-01@1"),
        ("destroy", "r-1"),
        ("destroy", "r-1"),
        ("credential revoke", "millbrook-police"),
    ]
    assert found.counts == {"credential": 1, "destroy": 2, "hold": 1, "receive": 1}
    assert found.certificates == {"sha-256:00"}


def test_senders_are_always_asked_to_send_again_from_the_moment_of_the_last_entry() -> None:
    assert "what it sent since 2026-03-02T08:15:00.00Z" in said()
    assert "since the beginning" in said(last_at=None)


def test_without_a_newer_log_people_are_told_what_may_be_undone_and_readable() -> None:
    text = said(since=None, keys_asked=False)
    assert "credentials that were revoked" in text
    assert "may be readable" in text
    assert "--certificate" in text


def test_with_a_newer_log_only_what_it_names_is_asked_for() -> None:
    assert "--certificate" not in said(keys_asked=False)
    assert "2 runs of destruction" in said(keys_asked=False, uncertified=2)


def test_a_fork_is_explained_and_what_to_tell_partners() -> None:
    text = said(rolled_back_past=head(12, "the partner's file"), forced=True)
    assert "goes on from 7 entries, while the partner's file remembers 12" in text
    assert "fork" in text
    assert "Call each partner before you serve" in text
    assert "fork" not in said()


def test_missing_keys_and_overdue_payloads_have_a_next_step() -> None:
    text = said(buckets_missing=3, overdue=5)
    assert "3 buckets" in text
    assert "--keys" in text
    assert "gateway retention run" in text
    assert "do not back up yet" not in text
    assert "do not back up yet" in said(overdue=5, since=None)
