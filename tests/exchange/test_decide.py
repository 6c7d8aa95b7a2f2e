"""What may go to whom: decisions out of a message and what is in force, without a database."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.agency import AgencyId
from gateway.app import drafts
from gateway.document.names import STRUCTURES_60
from gateway.document.parse import parse
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Case, Denied, Release, decide, releases
from gateway.exchange.past import Past
from gateway.iepd.header import read as read_header
from gateway.iepd.validate import validate
from gateway.message import Action
from tests.compiled import compiled_once
from tests.exchange.deployed import (
    CONTACT,
    FUSION,
    JAIL,
    POLICE,
    PROBATION,
    PROSECUTOR,
    RELEASE,
    SHELTER,
    release,
    sample,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def configured() -> Configured:
    with compiled_once():
        return drafts(NOW)


def case(
    configured: Configured,
    body: bytes,
    *,
    sender: AgencyId = JAIL,
    only: tuple[AgencyId, ...] = (),
    past: tuple[Past, ...] = (),
) -> Case:
    document = parse(body)
    iepd = configured.registry.find(document)
    action = read_header(document, iepd).action
    return Case(document=document, iepd=iepd, sender=sender, action=action, only=frozenset(only), past=past)


def got(decisions: tuple[Release | Denied, ...]) -> dict[str, str]:
    """By recipient: the clause it gets it under, or the code of the refusal."""
    return {
        decision.recipient if isinstance(decision, Denied) else decision.grant.recipient: decision.code
        if isinstance(decision, Denied)
        else f"{decision.grant.mou.id} {decision.grant.clause.id}"
        for decision in decisions
    }


def past(recipient: AgencyId, mou: str, version: int = 1, clause: str = "E1") -> Past:
    return Past(recipient=recipient, mou=mou, mou_version=version, clause=clause)


def test_everyone_an_agreement_names_gets_it_under_that_clause(configured: Configured) -> None:
    decisions = decide(case(configured, sample("fullest")), configured, now=NOW)
    assert got(decisions) == {
        PROSECUTOR: "JAIL-PD-2026-01 E2",
        PROBATION: "JAIL-PROB-2026-02 E1",
        POLICE: "JAIL-PD-2026-01 E1",
        FUSION: "JAIL-FUSION-2026-03 E1",
    }
    assert list(got(decisions)) == sorted(got(decisions))


def test_each_release_is_cut_for_its_recipient_and_valid(configured: Configured) -> None:
    asked = case(configured, sample("fullest"))
    made = releases(decide(asked, configured, now=NOW))
    assert len({each.cut.shared for each in made}) > 1
    for each in made:
        assert each.cut.document.root is not asked.document.root
        assert validate(each.cut.document, asked.iepd) == ()


def test_both_directions_of_one_agreement(configured: Configured) -> None:
    decisions = decide(case(configured, sample("smallest", CONTACT), sender=POLICE), configured, now=NOW)
    assert got(decisions) == {JAIL: "PD-JAIL-2026-05 E1", PROBATION: "PROB-PD-2026-04 E2"}


def test_who_was_asked_for_in_vain_is_refused_by_name_and_nobody_else_is_asked(configured: Configured) -> None:
    decisions = decide(case(configured, release(), only=(POLICE, FUSION, SHELTER)), configured, now=NOW)
    assert got(decisions) == {
        SHELTER: "policy.no-mou-in-force",
        POLICE: "JAIL-PD-2026-01 E1",
        FUSION: "policy.not-routed",
    }


def test_nobody_gets_anything_before_the_agreements_begin_and_after_they_end(configured: Configured) -> None:
    for day in (datetime(2025, 12, 31, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)):
        assert decide(case(configured, release()), configured, now=day) == ()


def test_a_suspended_recipient_is_refused_and_the_others_are_not(configured: Configured) -> None:
    agencies = {**configured.agencies, POLICE: replace(configured.agencies[POLICE], suspended=True)}
    decisions = decide(case(configured, release()), replace(configured, agencies=agencies), now=NOW)
    assert got(decisions)[POLICE] == "agency.suspended"
    assert got(decisions)[PROBATION] == "JAIL-PROB-2026-02 E1"


def test_a_sealed_record_goes_nowhere(configured: Configured) -> None:
    sealed = release().replace(b"SealedIndicator>false", b"SealedIndicator>true")
    assert decide(case(configured, sealed), configured, now=NOW) == ()


def test_a_message_that_does_not_say_whether_it_is_sealed_is_taken_as_sealed(configured: Configured) -> None:
    silent = release().replace(b" <ec:RecordSealedIndicator>false</ec:RecordSealedIndicator>\n", b"")
    assert decide(case(configured, silent), configured, now=NOW) == ()


# --- correct and cancel -------------------------------------------------------------------------------------------


def test_a_cancellation_goes_to_past_recipients_and_to_nobody_else(configured: Configured) -> None:
    asked = case(configured, release(Action.CANCEL, "X"), past=(past(POLICE, "JAIL-PD-2026-01"),))
    assert got(decide(asked, configured, now=NOW)) == {POLICE: "JAIL-PD-2026-01 E1"}


def test_a_correction_goes_to_past_recipients_and_to_those_the_agreements_name_now(configured: Configured) -> None:
    asked = case(configured, release(Action.CORRECT, "X"), past=(past(FUSION, "JAIL-FUSION-2026-03"),))
    assert got(decide(asked, configured, now=NOW)) == {
        PROSECUTOR: "JAIL-PD-2026-01 E2",
        PROBATION: "JAIL-PROB-2026-02 E1",
        POLICE: "JAIL-PD-2026-01 E1",
        FUSION: "JAIL-FUSION-2026-03 E1",  # its route asks for a high risk: it is told that the first is void
    }


def test_a_correction_that_names_fewer_recipients_still_reaches_past_ones(configured: Configured) -> None:
    asked = case(configured, release(Action.CORRECT, "X"), only=(PROBATION,), past=(past(POLICE, "JAIL-PD-2026-01"),))
    assert set(got(decide(asked, configured, now=NOW))) == {PROBATION, POLICE}


@pytest.mark.parametrize("action", [Action.CORRECT, Action.CANCEL])
def test_after_an_agreement_ended_its_past_recipients_learn_only_that_the_message_is_void(
    configured: Configured, action: Action
) -> None:
    late = datetime(2029, 1, 1, tzinfo=UTC)
    gone = (past(POLICE, "JAIL-PD-2026-01"),)
    (made,) = decide(case(configured, release(action, "X"), past=gone), configured, now=late)
    assert isinstance(made, Release)
    assert made.withdrawal
    values = [text for text in made.cut.document.root.itertext() if text.strip()]
    assert values[0] == "cancel"
    assert set(values[1:]) <= {text for text in values if text == "X" or text.startswith("20")}


@pytest.mark.parametrize("action", [Action.CORRECT, Action.CANCEL])
def test_of_what_leaves_no_message_past_recipients_learn_that_the_earlier_one_is_void(
    configured: Configured, action: Action
) -> None:
    pointing = f'<cr:Subject xmlns:s="{STRUCTURES_60}" s:uri="https://hcj.example/person/17"/>'.encode()
    body = re.sub(rb"<cr:Subject>.*</cr:Subject>", pointing, release(action, "X"), flags=re.DOTALL)
    asked = case(configured, body, past=(past(POLICE, "JAIL-PD-2026-01"),))
    made = next(each for each in releases(decide(asked, configured, now=NOW)) if each.grant.recipient == POLICE)
    assert made.withdrawal
    assert validate(made.cut.document, asked.iepd) == ()
    assert read_header(made.cut.document, asked.iepd).action is Action.CANCEL


def test_a_past_recipient_of_an_agreement_nobody_knows_gets_nothing(configured: Configured) -> None:
    asked = case(configured, release(Action.CANCEL, "X"), past=(past(POLICE, "GONE-1"),))
    assert got(decide(asked, configured, now=NOW)) == {POLICE: "policy.no-mou-in-force"}


def test_the_exchange_of_the_case_is_the_messages_own(configured: Configured) -> None:
    assert case(configured, release()).iepd.id == RELEASE
