"""What one recipient would get, without storing or sending anything."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.agency import AgencyId
from gateway.app import drafts
from gateway.document.parse import NotXml, to_bytes
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Release
from gateway.exchange.preview import (
    RouteDoesNotHold,
    UnknownAgency,
    UnknownName,
    UnknownPurpose,
    UnknownRole,
    WouldGetNothing,
    preview,
)
from gateway.exchange.submission import InvalidMessage
from gateway.iepd.registry import UnknownRoot
from gateway.message import Action
from gateway.policy.grant import AccessDenied, InForce, NoMouInForce, PurposeNotAllowed
from gateway.policy.mou import AccessRule, Condition, Effect
from tests.compiled import compiled_once
from tests.exchange.deployed import FUSION, JAIL, POLICE, PROBATION, PROSECUTOR, SHELTER, release, sample
from tests.policy.examples import STRUCTURES

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def configured() -> Configured:
    with compiled_once():
        return drafts(NOW)


def shown(
    configured: Configured,
    body: bytes,
    to: AgencyId,
    purpose: str = "release-notification",
    *,
    role: str = "",
    sender: AgencyId | None = None,
    now: datetime = NOW,
) -> Release:
    return preview(configured, body, to=to, purpose=purpose, role=role, sender=sender, now=now)


def test_the_cut_message_and_the_clause_that_decided(configured: Configured) -> None:
    made = shown(configured, sample("fullest"), POLICE)
    assert (made.grant.mou.id, made.grant.clause.id) == ("JAIL-PD-2026-01", "E1")
    assert b"Tansley" in to_bytes(made.cut.document)
    assert any(each.label.startswith("medical.") and each.outcome == "withheld" for each in made.cut.redactions)


def test_two_recipients_of_one_agreement_see_what_is_theirs(configured: Configured) -> None:
    police = shown(configured, sample("fullest"), POLICE)
    prosecutor = shown(configured, sample("fullest"), PROSECUTOR, "victim-notification")
    assert police.grant.clause.id != prosecutor.grant.clause.id
    assert to_bytes(police.cut.document) != to_bytes(prosecutor.cut.document)


def test_the_name_in_a_no_contact_order_reaches_probation_under_the_law(configured: Configured) -> None:
    made = shown(configured, sample("fullest"), PROBATION, "protective-order-enforcement")
    root = made.cut.document.root
    (protected,) = root.iter("{*}ProtectedPerson")
    (victim,) = root.iter("{*}VictimToNotify")
    assert protected.get(f"{{{STRUCTURES}}}ref") == victim.get(f"{{{STRUCTURES}}}id") is not None
    assert [name.text for name in victim.iter("{*}PersonSurName")] == ["Fairbrook"]


def test_the_purpose_and_the_role_must_be_those_of_the_clause(configured: Configured) -> None:
    orders = "protective-order-enforcement"
    assert shown(configured, release(), PROBATION, orders, role="supervising-officer").cut.shared
    for purpose, role in (("supervision", ""), (orders, "patrol-officer")):
        with pytest.raises(PurposeNotAllowed):
            shown(configured, release(), PROBATION, purpose, role=role)


def test_outside_the_route_it_is_said_which_fact_is_wanted_to_be_what_and_not_what_the_message_says(
    configured: Configured,
) -> None:
    with pytest.raises(RouteDoesNotHold) as refused:
        shown(configured, release(), FUSION, "threat-assessment")
    (unmet,) = refused.value.unmet
    assert (unmet.mou.id, unmet.condition) == ("JAIL-FUSION-2026-03", Condition(fact="high-risk", values=(True,)))
    assert "wants high-risk to be true" in refused.value.text
    assert "false" not in refused.value.text


@pytest.mark.parametrize(
    ("words", "leaf", "nearest"),
    [
        ({"to": "milbrook-police"}, UnknownAgency, POLICE),
        ({"sender": "harlan-county-jial"}, UnknownAgency, JAIL),
        ({"purpose": "release-notificaton"}, UnknownPurpose, "release-notification"),
        ({"role": "patrol-oficer"}, UnknownRole, "patrol-officer"),
        ({"to": "zzz"}, UnknownAgency, ""),
    ],
)
def test_a_misspelled_name_is_an_error_of_its_own_with_the_nearest_one(
    configured: Configured, words: dict[str, str], leaf: type[UnknownName], nearest: str
) -> None:
    asked: dict[str, Any] = {"to": POLICE, "purpose": "release-notification", **words}
    with pytest.raises(leaf) as refused:
        preview(configured, release(), now=NOW, **asked)
    assert refused.value.nearest == nearest
    assert ("did you mean" in refused.value.text) == bool(nearest)


@pytest.mark.parametrize(("to", "sender"), [(SHELTER, None), (POLICE, PROBATION)])
def test_without_an_agreement_there_is_nothing(configured: Configured, to: AgencyId, sender: AgencyId | None) -> None:
    with pytest.raises(NoMouInForce):
        shown(configured, release(), to, "threat-assessment", sender=sender)


def test_what_the_access_rules_of_an_agreement_deny_is_not_shown_either(configured: Configured) -> None:
    rules = (AccessRule(id="A9", effect=Effect.DENY, roles=("patrol-officer",)),)
    denying = InForce([replace(mou, access=rules) for mou in configured.in_force.mous])
    with pytest.raises(AccessDenied, match="A9") as refused:
        shown(replace(configured, in_force=denying), release(), POLICE)
    assert refused.value.code == "policy.access-denied"


def test_the_version_that_is_superseded_is_not_shown(configured: Configured) -> None:
    (mou,) = [mou for mou in configured.in_force.mous if mou.id == "JAIL-PD-2026-01"]
    later = replace(mou, version=2, exchanges=mou.exchanges[1:])
    with pytest.raises(NoMouInForce):
        shown(replace(configured, in_force=InForce([mou, later])), release(), POLICE)


def test_nothing_is_shown_on_a_day_when_no_agreement_is_in_force(configured: Configured) -> None:
    with pytest.raises(NoMouInForce):
        shown(configured, release(), POLICE, now=datetime(2025, 12, 31, tzinfo=UTC))


def test_the_last_day_ends_at_midnight_where_the_agencies_are(configured: Configured) -> None:
    chicago = replace(configured, zone=ZoneInfo("America/Chicago"))
    until = max(mou.until for mou in configured.in_force.mous if mou.id == "JAIL-PD-2026-01")
    midnight = datetime.combine(until + timedelta(days=1), time(), tzinfo=UTC)
    assert shown(chicago, release(), POLICE, now=midnight + timedelta(hours=5))
    for late, where in ((midnight, configured), (midnight + timedelta(hours=6), chicago)):
        with pytest.raises(NoMouInForce):
            shown(where, release(), POLICE, now=late)


def test_the_sender_is_whoever_an_agreement_lets_send_it(configured: Configured) -> None:
    assert shown(configured, release(), POLICE).grant.clause.sender == JAIL
    assert shown(configured, release(), POLICE, sender=JAIL).grant.clause.sender == JAIL


def test_a_cancellation_can_be_looked_at_too(configured: Configured) -> None:
    assert b"cancel" in to_bytes(shown(configured, release(Action.CANCEL, "X"), POLICE).cut.document)


def test_a_suspended_recipient_would_get_nothing(configured: Configured) -> None:
    agencies = {**configured.agencies, POLICE: replace(configured.agencies[POLICE], suspended=True)}
    with pytest.raises(WouldGetNothing) as refused:
        shown(replace(configured, agencies=agencies), release(), POLICE)
    assert "agency.suspended" in refused.value.text


@pytest.mark.parametrize(
    ("body", "leaf"),
    [
        (b"not XML", NotXml),
        (b"<note/>", UnknownRoot),
        (release().replace(b"SealedIndicator>false", b"SealedIndicator>perhaps"), InvalidMessage),
    ],
)
def test_what_would_be_refused_is_refused_here_too(configured: Configured, body: bytes, leaf: type[Exception]) -> None:
    with pytest.raises(leaf):
        shown(configured, body, POLICE)
