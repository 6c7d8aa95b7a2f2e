"""A consent opens what law keeps back, to one recipient, for one purpose, until it ends or is taken back."""

from datetime import date
from typing import Any

import pytest

from gateway.agency import AgencyId
from gateway.exchange.acting import NotAllowed
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.consents import ConsentRefused, ConsentUnknown, NewConsent, add_consent, revoke_consent
from gateway.user import UserRole
from tests.exchange.deployed import JAIL, POLICE, PROBATION, Deployed, agreement, sample
from tests.exchange.officers import activate_mou, officer

DOCUMENT = "sha-256:" + "5f" * 32
SUD = "message.head, message.sealed, juvenile.mark, person.name, person.id.sid, sud.*"


def new(**changed: Any) -> NewConsent:
    values: dict[str, Any] = {
        "holder": JAIL,
        "person": {"sid": "FR-119-0284"},
        "labels": ("sud.*",),
        "recipient": PROBATION,
        "purpose": "release-notification",
        "since": date(2026, 1, 1),
        "until": date(2026, 12, 31),
        "document": DOCUMENT,
    }
    return NewConsent(**values | changed)


@pytest.fixture
async def sharing(place: Deployed) -> Deployed:
    """The jail shares substance use needs with probation, as far as law lets it; the first clause by name decides."""
    await activate_mou(place.gateway, agreement("A-1", JAIL, PROBATION, share=SUD), "file")
    return place


async def shown(place: Deployed) -> bool:
    """Whether probation gets to see anything of substance use in the jail's fullest release notice."""
    accepted = await place.accept(sample("fullest"), only=frozenset({PROBATION}))
    (record,) = await place.gateway.store.disseminations(accepted.id)
    payload = place.gateway.payloads.open(record.payload, aad=record.dissemination.id.encode())
    return b"SubstanceUse" in payload


async def test_without_a_consent_substance_use_treatment_stays_back(sharing: Deployed) -> None:
    assert not await shown(sharing)


async def test_with_a_consent_it_goes_to_whom_and_for_what_was_signed(sharing: Deployed) -> None:
    await add_consent(sharing.gateway, new())
    assert await shown(sharing)


@pytest.mark.parametrize(
    "changed",
    [
        {"person": {"sid": "FR1190285"}},
        {"recipient": POLICE},
        {"purpose": "case-planning"},
        {"holder": POLICE, "recipient": PROBATION},
        {"labels": ("medical.*",)},
        {"until": date(2026, 3, 1)},
        {"since": date(2026, 4, 1)},
    ],
    ids="-".join,
)
async def test_a_consent_opens_nothing_else(sharing: Deployed, changed: dict[str, Any]) -> None:
    await add_consent(sharing.gateway, new(**changed))
    assert not await shown(sharing)


async def test_a_consent_that_is_taken_back_counts_no_more(sharing: Deployed) -> None:
    (consent,) = await add_consent(sharing.gateway, new())
    version = sharing.gateway.current.version
    revoked = await revoke_consent(sharing.gateway, consent.id, holder=JAIL)
    assert sharing.gateway.current.version == version + 1  # what was decided before is decided again
    assert not await shown(sharing)
    sharing.clock.go(hours=1)
    assert await revoke_consent(sharing.gateway, consent.id, holder=JAIL) == revoked


async def test_somebody_elses_consent_is_unknown(place: Deployed) -> None:
    (consent,) = await add_consent(place.gateway, new())
    for id, holder in ((consent.id, POLICE), ("019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d", JAIL)):
        with pytest.raises(ConsentUnknown):
            await revoke_consent(place.gateway, id, holder=holder)


async def test_neither_database_nor_log_names_the_person(place: Deployed) -> None:
    (consent,) = await add_consent(place.gateway, new(person={"given": "Ada", "last": "Tansley", "born": "1990-02-03"}))
    said = repr(await place.log()) + repr(await place.gateway.store.consents([consent.subject]))
    assert "Tansley" not in said
    assert "1990-02-03" not in said
    entry = (await place.log())[-1]
    assert (entry["type"], entry["action"], entry["subject"]) == ("consent", "add", consent.subject)
    assert (entry["document"], entry["holder"], entry["recipient"]) == (DOCUMENT, JAIL, PROBATION)


@pytest.mark.parametrize(
    "changed",
    [
        {"person": {}},
        {"person": {"shoe": "44"}},
        {"person": {"given": "Ada"}},
        {"labels": ()},
        {"labels": ("SUD",)},
        {"purpose": "Because I say so"},
        {"until": date(2025, 12, 31)},
        {"document": "paper"},
        {"recipient": JAIL},
    ],
    ids=str,
)
async def test_a_consent_with_something_wrong_changes_nothing(place: Deployed, changed: dict[str, Any]) -> None:
    before = len(await place.log())
    with pytest.raises(ConsentRefused):
        await add_consent(place.gateway, new(**changed))
    assert len(await place.log()) == before
    assert await place.gateway.store.consents_of(None, None, 10) == ()


async def test_a_recipient_nobody_knows_is_refused(place: Deployed) -> None:
    with pytest.raises(AgencyUnknown):
        await add_consent(place.gateway, new(recipient=AgencyId("nobody")))


async def test_by_command_only_an_officer_of_the_holder_or_the_operator_enters_a_consent(place: Deployed) -> None:
    await add_consent(place.gateway, new(), by=await officer(place.gateway, JAIL))
    await add_consent(place.gateway, new(), by=await officer(place.gateway))
    assert "signature" in (await place.log())[-1]
    with pytest.raises(NotAllowed):
        await add_consent(place.gateway, new(), by=await officer(place.gateway, POLICE))
    clerk = await officer(place.gateway, JAIL, number=7, roles=frozenset({UserRole.OPERATOR}))
    with pytest.raises(NotAllowed):
        await add_consent(place.gateway, new(), by=clerk)
