"""Law packs: which bind whom, and when."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.agency import Agency, AgencyId, AgencyKind, Duty
from gateway.policy.law import Binds, LawPack, LawRule, Laws, Parties, parties, speaks

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def pack(
    id: str, binds: Binds = Binds.ALWAYS, *rules: LawRule, since: date = date.min, until: date = date.max
) -> LawPack:
    own = rules or (LawRule(id="one", section=id, text="One."),)
    jurisdiction = "NY" if binds is Binds.PARTY else "federal"
    return LawPack(
        id=id,
        title=id,
        jurisdiction=jurisdiction,
        version=1,
        since=since,
        until=until,
        source="",
        binds=binds,
        rules=own,
        digest=id,
    )


def binding(laws: Laws, *named: str, states: tuple[str, ...] = (), on: date = FIRST) -> list[str]:
    return [rule.section for rule in laws.binding(on, named, frozenset(states))]


def test_a_pack_binds_always_where_a_party_lives_or_where_it_is_named() -> None:
    packs = [pack("always"), pack("state", Binds.PARTY), pack("named", Binds.NAMED)]
    assert binding(Laws(packs)) == ["always"]
    assert binding(Laws(packs), states=("NY", "NJ")) == ["always", "state"]
    assert binding(Laws(packs), "named", "state") == ["always", "named", "state"]
    assert binding(Laws(packs, ["named"])) == ["always", "named"]


def test_a_pack_and_each_of_its_rules_hold_from_their_first_to_their_last_day() -> None:
    rules = (
        LawRule(id="old", section="old", text="Old.", until=date(2026, 3, 31)),
        LawRule(id="new", section="new", text="New.", since=date(2026, 4, 1)),
    )
    laws = Laws([pack("p", Binds.ALWAYS, *rules, since=FIRST, until=LAST)])
    days = {
        day: binding(laws, on=day) for day in (FIRST - timedelta(1), FIRST, date(2026, 4, 1), LAST, date(2027, 1, 1))
    }
    assert list(days.values()) == [[], ["old"], ["new"], ["new"], []]


@given(st.lists(st.tuples(st.dates(date(2025, 6, 1), date(2027, 6, 1)), st.integers(0, 400)), max_size=6))
def test_during_a_span_the_same_law_holds_and_spans_leave_no_day_out(periods: list[tuple[date, int]]) -> None:
    packs = [pack(f"p{n}", since=day, until=day + timedelta(length)) for n, (day, length) in enumerate(periods)]
    laws = Laws(packs)
    spans = laws.spans(FIRST, LAST)
    days = [since + timedelta(n) for since, until in spans for n in range((until - since).days + 1)]
    assert days == [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
    for since, until in spans:
        held = binding(laws, on=since)
        assert all(binding(laws, on=since + timedelta(n)) == held for n in range((until - since).days + 1))


def test_the_digest_tells_which_packs_and_which_of_them_are_named() -> None:
    one, other = pack("one", Binds.NAMED), pack("other")
    digests = {Laws(packs, named).digest for packs in ([], [one], [one, other]) for named in ((), ("one",))}
    assert len(digests) == 5  # naming a pack that is not there changes nothing


def test_the_state_is_said_or_read_off_the_ori() -> None:
    jail = Agency(id=AgencyId("a"), name="A", kind=AgencyKind.JAIL, ori="NY0440013", duties=frozenset({Duty.CFR23}))
    clinic = Agency(id=AgencyId("b"), name="B", kind=AgencyKind.HEALTH, state="NJ")
    known = parties(jail, clinic)
    assert known.states == {"NY", "NJ"}
    assert (known.sender_duties, known.kind, known.duties) == ({Duty.CFR23}, AgencyKind.HEALTH, frozenset())
    assert parties(None, None) == Parties()


def test_a_recipient_nobody_knows_is_of_every_kind_a_rule_speaks_of() -> None:
    rule = LawRule(id="r", section="r", text="R.", kinds=(AgencyKind.PROSECUTOR,), purposes=("p",), exchanges=("e",))
    unknown, jail = Parties(), Parties(kind=AgencyKind.JAIL)
    assert speaks(rule, purpose="p", category="e", between=unknown)
    assert not speaks(rule, purpose="p", category="e", between=jail)
    assert not speaks(rule, purpose="q", category="e", between=unknown)
    assert not speaks(rule, purpose="p", category="f", between=unknown)
