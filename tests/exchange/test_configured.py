"""What is in force, compiled: nothing done twice, nothing guessed."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.agency import AgencyId
from gateway.app import drafts
from gateway.document.parse import parse
from gateway.exchange.configured import (
    AgreementUnreadable,
    Configured,
    PastGrant,
    compile_configuration,
    nothing,
)
from gateway.exchange.past import Past
from gateway.iepd.facts import evaluate
from gateway.iepd.package import archive
from gateway.keys.authority import Authority, self_signed
from gateway.keys.pseudonym import Pseudonyms
from gateway.policy.grant import InForce
from gateway.policy.mou import AccessRule, Effect
from gateway.policy.read import read_mou
from gateway.policy.redact import cut
from gateway.signing.certificate import content_id, pem_to_der
from gateway.store.configuration import Agreement, AgreementState, Configuration, Credential, CredentialKind, Exchange
from tests.compiled import compiled_once
from tests.exchange.deployed import FUSION, JAIL, POLICE, PROBATION, RELEASE, SHELTER, Deployed, agreement, exchanges
from tests.laws import stored_laws

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def configured() -> Configured:
    with compiled_once():
        return drafts(NOW)


def stored(configured: Configured, *agreements: Agreement, credentials: tuple[Credential, ...] = ()) -> Configuration:
    return Configuration(
        version=configured.version + 1,
        agencies=tuple(configured.agencies.values()),
        credentials=credentials,
        agreements=agreements or configured.agreements,
        exchanges=tuple(Exchange(id=each.id, digest=each.edition, archive=b"") for each in configured.iepds.values()),
        laws=stored_laws(),
    )


def held(state: AgreementState, version: int = 1, body: bytes = b"") -> Agreement:
    text = body or agreement("S-1", SHELTER, POLICE, version=version)
    mou, _ = read_mou(text, "file", exchanges())
    digest = mou.digest if mou else "sha-256:" + "0" * 64
    return Agreement(mou="S-1", version=version, digest=digest, state=state, body=text, changed_at=NOW)


def test_what_day_it_is_for_agreements_is_said_by_the_zone_and_kept_when_the_configuration_changes(
    configured: Configured,
) -> None:
    chicago = replace(configured, zone=ZoneInfo("America/Chicago"))
    after = compile_configuration(stored(chicago), before=chicago)
    midnight = datetime(2027, 1, 1, tzinfo=UTC)
    assert configured.day(midnight) == date(2027, 1, 1)
    assert after.day(midnight) == chicago.day(midnight) == date(2026, 12, 31)


def test_what_did_not_change_is_taken_over_and_not_made_again(configured: Configured) -> None:
    after = compile_configuration(stored(configured), before=configured)  # the archives are empty: none is opened
    assert after.version == configured.version + 1
    for id, iepd in configured.iepds.items():
        assert after.iepds[id] is iepd
    for key, rules in configured.compiled.items():
        assert after.compiled[key] is rules
    for key, mou in configured.mous.items():
        assert after.mous[key] is mou


def test_an_exchange_that_is_new_is_loaded_from_its_archive() -> None:
    iepd = exchanges()[RELEASE]
    configuration = Configuration(
        version=1,
        agencies=(),
        credentials=(),
        agreements=(),
        exchanges=(Exchange(id=iepd.id, digest=iepd.edition, archive=archive(iepd)),),
    )
    made = compile_configuration(configuration, before=nothing())
    assert made.iepds[RELEASE].digest == iepd.digest
    assert made.registry.ids() == (RELEASE,)


@pytest.mark.parametrize("state", [state for state in AgreementState if state is not AgreementState.IN_FORCE])
def test_only_what_is_in_force_decides(configured: Configured, state: AgreementState) -> None:
    made = compile_configuration(stored(configured, held(state)), before=configured)
    assert not made.in_force.spoken(SHELTER, RELEASE, NOW.date()).grants
    assert (("S-1", 1) in made.mous) is (state is not AgreementState.DRAFT)


def test_every_version_that_was_ever_in_force_is_still_known(configured: Configured) -> None:
    agreements = (held(AgreementState.ENDED), held(AgreementState.IN_FORCE, 2))
    made = compile_configuration(stored(configured, *agreements), before=configured)
    assert set(made.mous) == {("S-1", 1), ("S-1", 2)}
    assert [mou.version for mou in made.in_force.mous] == [2]


def test_an_agreement_that_cannot_be_read_any_more_stops_everything(configured: Configured) -> None:
    broken = held(AgreementState.IN_FORCE, body=b"mou: S-1\nversion: 1\n")
    with pytest.raises(AgreementUnreadable) as refused:
        compile_configuration(stored(configured, broken), before=configured)
    assert "S-1 version 1" in refused.value.text


def test_a_new_year_brings_new_pseudonyms_and_a_new_version_of_the_agreement_does_not(configured: Configured) -> None:
    iepd = configured.iepds[RELEASE]
    document = parse(iepd.samples["smallest.xml"])

    def pseudonym(*, year: int, version: int = 1) -> str:
        text = agreement("S-1", SHELTER, POLICE, version=version)
        line = b"fields:\n      transform: {person.name.last: {do: pseudonymize}}\n"
        body = held(AgreementState.IN_FORCE, version, text.replace(b"fields:\n", line, 1))
        pseudonyms = Pseudonyms(seed=b"s" * 32, period=str(year))
        made = compile_configuration(stored(configured, body), before=configured, pseudonyms=pseudonyms)
        ((_, compiled),) = made.compiled.items()
        kept = cut(document, compiled.rules, evaluate(document, iepd), iepd)
        (name,) = kept.document.root.iter("{*}PersonSurName")
        return name.text or ""

    first = pseudonym(year=2026)
    assert len(first) == 26
    assert pseudonym(year=2026, version=2) == first
    assert pseudonym(year=2027) != first


async def test_a_running_gateway_takes_up_the_pseudonyms_of_a_new_year(place: Deployed) -> None:
    gateway = place.gateway
    gateway.current = replace(gateway.current, pseudonyms=Pseudonyms(seed=b"s" * 32, period="1999"))
    assert await gateway.refresh()
    assert gateway.current.pseudonyms.period == str(gateway.clock.now().year)
    assert not await gateway.refresh()


# --- grants of past recipients ------------------------------------------------------------------------------------


def granted(configured: Configured, past: Past, *, sender: AgencyId = SHELTER, canceling: bool) -> PastGrant | None:
    iepd = configured.iepds[RELEASE]
    facts = evaluate(parse(iepd.samples["smallest.xml"]), iepd)
    return configured.grant_of(past, sender=sender, exchange=RELEASE, facts=facts, canceling=canceling, on=NOW)


def told(configured: Configured, *, canceling: bool) -> str:
    found = granted(configured, Past(recipient=POLICE, mou="S-1", mou_version=1, clause="E1"), canceling=canceling)
    if found is None:
        return ""
    return f"{found.grant.mou.id}@{found.grant.mou.version}{' withdrawal' if found.withdrawal else ''}"


def test_a_past_recipient_gets_what_mends_it_by_the_version_in_force(configured: Configured) -> None:
    agreements = (held(AgreementState.ENDED), held(AgreementState.IN_FORCE, 2))
    made = compile_configuration(stored(configured, *agreements), before=configured)
    assert told(made, canceling=False) == "S-1@2"
    assert told(made, canceling=True) == "S-1@2"


@pytest.mark.parametrize("state", [AgreementState.ENDED, AgreementState.SUSPENDED])
def test_without_one_in_force_past_recipients_learn_that_it_is_void_and_nothing_else(
    configured: Configured, state: AgreementState
) -> None:
    made = compile_configuration(stored(configured, held(state)), before=configured)
    assert told(made, canceling=False) == "S-1@1 withdrawal"
    assert told(made, canceling=True) == "S-1@1 withdrawal"


def test_a_correction_that_the_clause_does_not_route_any_more_is_a_withdrawal(configured: Configured) -> None:
    past = Past(recipient=FUSION, mou="JAIL-FUSION-2026-03", mou_version=1, clause="E1")
    corrected = granted(configured, past, sender=JAIL, canceling=False)
    canceled = granted(configured, past, sender=JAIL, canceling=True)
    assert corrected is not None
    assert corrected.withdrawal
    assert canceled is not None
    assert not canceled.withdrawal


def test_a_clause_that_access_rules_deny_now_withdraws_what_it_gave(configured: Configured) -> None:
    past = Past(recipient=PROBATION, mou="JAIL-PROB-2026-02", mou_version=1, clause="E1")
    denial = (AccessRule(id="A1", effect=Effect.DENY),)
    denying = replace(configured, in_force=InForce([replace(mou, access=denial) for mou in configured.in_force.mous]))
    for canceling in (False, True):
        found, denied = (granted(each, past, sender=JAIL, canceling=canceling) for each in (configured, denying))
        assert found is not None
        assert not found.withdrawal
        assert denied is not None
        assert denied.withdrawal


def test_the_agreement_of_somebody_else_grants_nothing(configured: Configured) -> None:
    past = Past(recipient=PROBATION, mou="JAIL-PD-2026-01", mou_version=1, clause="E1")
    for canceling in (False, True):
        assert granted(configured, past, sender=JAIL, canceling=canceling) is None


def test_another_clause_of_the_same_agreement_grants_nothing_to_a_past_recipient(configured: Configured) -> None:
    """Its route did not hold for the first message, and it may share more."""
    one = agreement("S-1", SHELTER, POLICE).decode()
    clause = one[one.index("  - id: E1") :]
    both = one.replace("  - id: E1", f"{clause.replace('person.name', 'person.name, person.dob')}  - id: E2").encode()
    made = compile_configuration(stored(configured, held(AgreementState.IN_FORCE, body=both)), before=configured)
    for canceling in (False, True):
        past = Past(recipient=POLICE, mou="S-1", mou_version=1, clause="E2")
        found = granted(made, past, canceling=canceling)
        assert found is not None
        assert found.grant.clause.id == "E2"
        assert granted(made, replace(past, clause="E3"), canceling=canceling) is None


# --- trust --------------------------------------------------------------------------------------------------------


def test_a_revoked_certificate_is_no_pin_any_more(configured: Configured) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    authority = Authority(key, x509.load_pem_x509_certificate(self_signed(key, "test", now=NOW)))
    good, gone = [authority.new_agency_key(JAIL, "Jail", now=NOW).certificate for _ in range(2)]
    credentials = tuple(
        Credential(
            fingerprint=name * 64,
            kind=CredentialKind.CERTIFICATE,
            agency=JAIL,
            not_before=NOW,
            not_after=NOW,
            certificate=pem,
            revoked_at=revoked,
        )
        for name, pem, revoked in (("a", good, None), ("b", gone, NOW))
    )
    made = compile_configuration(stored(configured, credentials=credentials), before=configured)
    trusted = made.trust(JAIL)
    assert trusted.pins == {pem_to_der(good)}
    assert trusted.revoked == {content_id(x509.load_pem_x509_certificate(gone))}
    assert replace(trusted, agency=POLICE) != made.trust(POLICE)
    assert made.trust(POLICE).pins == frozenset()
