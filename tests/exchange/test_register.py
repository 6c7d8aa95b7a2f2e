"""Taking in exchanges: what the labels are in force for is what the database holds, and nothing in force may break."""

import pytest

from gateway.audit import verifier
from gateway.exchange.acting import NotAllowed
from gateway.exchange.activate import ExchangeInUse, register_exchanges
from gateway.iepd.package import Iepd, load
from gateway.iepd.registry import RootTaken
from tests.exchange.deployed import JAIL, PROBATION, RELEASE, Deployed, agreement, exchanges
from tests.exchange.officers import activate_mou, officer
from tests.iepd.invented import invented


def changed(*replacements: tuple[str, str]) -> Iepd:
    """The release notice with another catalog."""
    ours = exchanges()[RELEASE]
    text = ours.files["iepd/fields.yaml"].decode()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    folder = {name.removeprefix("iepd/"): data for name, data in ours.files.items() if name.startswith("iepd/")}
    schemas = {name.removeprefix("xsd/"): data for name, data in ours.files.items() if name.startswith("xsd/")}
    return load({**folder, "fields.yaml": text.encode()}, schemas)


async def test_a_new_exchange_is_registered_with_its_edition_and_how_many_fields_are_confirmed(place: Deployed) -> None:
    before = len(await place.log())
    await register_exchanges(place.gateway, [invented()], actor="jdoe")
    (entry,) = (await place.log())[before:]
    assert (entry["type"], entry["exchange"], entry["actor"]) == ("register", "invented-notice/1.0", "jdoe")
    assert (entry["digest"], entry["count"]) == (invented().edition, 23)
    assert place.gateway.current.registry.by_id("invented-notice/1.0").catalog.named("risk.score") is not None


async def test_an_officer_who_confirms_signs_for_it(place: Deployed) -> None:
    by = await officer(place.gateway)
    await register_exchanges(place.gateway, [invented()], by=by)
    entry = (await place.log())[-1]
    verifier.check_act(entry, bytes.fromhex(by.public_key))
    for iepd in (changed(), changed(('"Other need, kind"', '"Another need, kind"'))):  # held as it is, and not
        with pytest.raises(NotAllowed):
            await register_exchanges(place.gateway, [iepd], by=await officer(place.gateway, JAIL))


async def test_another_label_is_another_edition_though_the_schema_set_is_the_same(place: Deployed) -> None:
    ours = exchanges()[RELEASE]
    new = changed(('label: need.other, title: "Other need, kind"', 'label: need.kind, title: "Other need, kind"'))
    assert new.digest == ours.digest
    assert new.edition != ours.edition
    await register_exchanges(place.gateway, [new], actor="jdoe")
    field = place.gateway.current.iepds[RELEASE].catalog.named("need.kind")
    assert field is not None
    assert field.label == "need.kind"
    version = place.gateway.current.version
    await register_exchanges(place.gateway, [new], actor="jdoe")
    assert place.gateway.current.version == version


async def test_a_catalog_that_takes_a_field_from_an_agreement_is_refused_and_changes_nothing(place: Deployed) -> None:
    version = place.gateway.current.version
    new = changed(
        ('title: "Message action", type:', 'confirmed: false, title: "Message action", type:'),
        ('title: "As of", type:', 'confirmed: false, title: "As of", type:'),
        ('title: "Earlier message", type:', 'confirmed: false, title: "Earlier message", type:'),
        ('title: "Reason for the change", type:', 'confirmed: false, title: "Reason for the change", type:'),
    )
    with pytest.raises(ExchangeInUse) as caught:
        await register_exchanges(place.gateway, [new], actor="jdoe")
    assert {finding.code for finding in caught.value.findings} == {"mou.unconfirmed-field"}
    assert place.gateway.current.version == version
    assert place.gateway.current.iepds[RELEASE].catalog.named("message.action") is not None


async def test_no_other_label_puts_a_field_into_an_agreement_in_force(place: Deployed) -> None:
    await activate_mou(place.gateway, agreement("A-1", JAIL, PROBATION, share="message.head, person.name"), "A-1")
    new = changed(("label: medical.medication,", "label: person.name,"))
    with pytest.raises(ExchangeInUse) as caught:
        await register_exchanges(place.gateway, [new], by=await officer(place.gateway))
    assert {finding.code for finding in caught.value.findings} == {"exchange.wider"}
    assert any("A-1" in finding.text for finding in caught.value.findings)


async def test_no_other_question_opens_what_a_fact_guards_in_an_agreement_in_force(place: Deployed) -> None:
    folder = exchanges()[RELEASE].files["iepd/fields.yaml"].decode()
    facts = folder[folder.index("\nfacts:") :]
    assert "missing: true" in facts
    new = changed((facts, facts.replace("missing: true", "missing: false")))
    with pytest.raises(ExchangeInUse) as caught:
        await register_exchanges(place.gateway, [new], by=await officer(place.gateway))
    assert {finding.code for finding in caught.value.findings} == {"exchange.wider"}


async def test_a_root_that_another_exchange_has_is_refused_before_it_can_do_harm(place: Deployed) -> None:
    version = place.gateway.current.version
    with pytest.raises(RootTaken):
        await register_exchanges(
            place.gateway, [changed((f"exchange: {RELEASE}", "exchange: custody-release/2.0"))], actor="jdoe"
        )
    assert place.gateway.current.version == version
