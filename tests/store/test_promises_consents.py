"""Promises of the store on consents."""

from dataclasses import replace
from datetime import date

from gateway.policy.consent import Consent
from gateway.store.interface import Store
from tests.store.examples import JAIL, NOW, POLICE, PROBATION, agency, new_id

ADA, BO = "ad" * 32, "b0" * 32


def consent(subject: str = ADA, holder: str = JAIL) -> Consent:
    return Consent(
        id=new_id(),
        subject=subject,
        holder=holder,  # type: ignore[arg-type]
        labels=("sud.*", "medical.need"),
        recipient=PROBATION,
        purpose="supervision",
        since=date(2026, 1, 1),
        until=date(2026, 12, 31),
        document="sha-256:00",
    )


async def test_consents_are_found_by_any_index_of_a_person(store: Store) -> None:
    first, second, third = consent(), consent(BO), consent("cc" * 32)
    await store.change([agency(JAIL), first, second, third], [])
    assert await store.consents([ADA, BO, "00" * 32]) == (first, second)
    assert await store.consents([]) == ()
    assert await store.consent(third.id) == third
    assert await store.consent("nobody") is None


async def test_a_consent_taken_back_changes_the_configuration_and_nothing_else_of_it(store: Store) -> None:
    given = consent()
    version = await store.change([agency(JAIL), given], [])
    revoked = replace(given, revoked=NOW)
    assert await store.change([replace(revoked, purpose="other")], []) == version + 1
    assert await store.consents([ADA]) == (revoked,)


async def test_consents_are_listed_newest_first_in_pages(store: Store) -> None:
    own = [consent() for _ in range(3)]
    await store.change([agency(JAIL), agency(POLICE), *own, consent(holder=POLICE)], [])
    page = await store.consents_of(JAIL, None, 2)
    assert [each.id for each in page] == [own[2].id, own[1].id]
    assert [each.id for each in await store.consents_of(JAIL, page[-1].id, 2)] == [own[0].id]
    assert len(await store.consents_of(None, None, 10)) == 4
