"""What a new version changes, in officers' words, and whether it widens."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from gateway.agency import AgencyId, Contact
from gateway.policy.change import Change, Turn
from gateway.policy.diff import diff, is_widening
from gateway.policy.grant import InForce, grants
from gateway.policy.mou import (
    AccessRule,
    Approval,
    Clause,
    Condition,
    Deadline,
    Effect,
    Evidence,
    Goal,
    Grain,
    How,
    Item,
    Kind,
    Manner,
    Mou,
    PartyContact,
    Report,
    Retention,
    Section,
    Storage,
    Transform,
)
from gateway.policy.outcome import outcomes
from gateway.policy.restriction import Restriction, Restrictions
from tests.policy.examples import JAIL, POLICE, PROBATION, agreements, clause_of, exchanges, mou_of

RELEASE = "custody-release/1.0"
PURPOSES, ROLES = ("release-notification", "investigation"), ("patrol-officer", "detective", "clerk")
W, N, S = Turn.WIDENING, Turn.NARROWING, Turn.NEUTRAL

BASE = replace(
    clause_of(exchanges()[RELEASE], "person.name", "offense.charge", "person.dob"),
    route=(Condition(fact="sealed", values=(False,)),),
    notices=("Verify identity.",),
    retention=Retention(gateway_copy=timedelta(days=30), recipient_copy=timedelta(days=365)),
)


def told(old: Clause | Mou, new: Clause | Mou) -> tuple[Change, ...]:
    before, after = (mou_of(each) if isinstance(each, Clause) else each for each in (old, new))
    return diff(before, after, exchanges())


def one(old: Clause | Mou, new: Clause | Mou) -> Change:
    (only,) = told(old, new)
    return only


def turns(old: Clause | Mou, new: Clause | Mou) -> list[Turn]:
    return [each.turn for each in told(old, new)]


def reduced(what: str, how: How, **more: object) -> Clause:
    """The base clause with one of its labels in a lesser form."""
    return replace(BASE, transforms=(Transform(what=what, how=how, **more),))  # type: ignore[arg-type]


def item(what: str, **conditions: str) -> Clause:
    """The base clause with conditions on one of its labels."""
    others = tuple(each for each in BASE.share if each.what != what)
    return replace(BASE, share=(*others, Item(what=what, **conditions)))


# --- fields ------------------------------------------------------------------------------------------------------


def test_fields_that_become_visible_are_counted_and_named_for_their_recipient() -> None:
    change = one(BASE, replace(BASE, share=(*BASE.share, Item(what="person.sex"))))
    assert (change.turn, change.what, change.recipients) == (W, "fields", (POLICE,))
    assert change.text.startswith(
        "4 fields of custody-release/1.0 become visible to millbrook-police: Sex; Sex, in words; No-contact order, "
    )
    assert change.fields[:2] == ("person.sex.code", "person.sex.text")


def test_fields_that_become_visible_in_a_lesser_form_or_on_a_condition_say_so() -> None:
    share = (*BASE.share, Item(what="person.id.doc", unless="protected"))
    masked = (Transform(what="person.id.doc", how=How.MASK, keep_last=4),)
    change = one(BASE, replace(BASE, share=share, transforms=masked))
    assert change.text == (
        "1 field of custody-release/1.0 becomes visible to millbrook-police: Department of corrections number, "
        "with all but its last 4 characters masked, unless victim is protected, address confidential."
    )


def test_fields_that_go_are_named() -> None:
    change = one(BASE, replace(BASE, share=BASE.share[:2]))
    assert change.turn is N
    assert "fields of custody-release/1.0 are no longer visible to millbrook-police: Date of birth; " in change.text


@pytest.mark.parametrize(
    ("old", "new", "turn", "words"),
    [
        (BASE, reduced("person.dob", How.GENERALIZE, to=Grain.YEAR), N, "as the year only, until now in full"),
        (reduced("person.dob", How.GENERALIZE, to=Grain.YEAR), BASE, W, "in full, until now as the year only"),
        (
            reduced("person.dob", How.GENERALIZE, to=Grain.MONTH),
            reduced("person.dob", How.GENERALIZE, to=Grain.YEAR),
            N,
            "as the year only, until now as year and month only",
        ),
        (reduced("person.name", How.MASK, keep_last=4), reduced("person.name", How.MASK), N, "masked, until now with"),
        (reduced("person.name", How.MASK), reduced("person.name", How.MASK, keep_last=2), W, "last 2 characters"),
        (reduced("person.name", How.MASK), reduced("person.name", How.REPLACE, text="on file"), N, 'as "on file"'),
        (reduced("person.name", How.REPLACE, text="on file"), reduced("person.name", How.MASK), W, "masked, until"),
        (
            reduced("person.name", How.REPLACE, text="on file"),
            reduced("person.name", How.REPLACE, text="withheld {to}"),
            S,
            'as "withheld {to}"',
        ),
    ],
)
def test_another_form_says_both_and_which_way_it_goes(old: Clause, new: Clause, turn: Turn, words: str) -> None:
    change = one(old, new)
    assert change.turn is turn
    assert words in change.text


def test_to_keep_fewer_characters_may_show_more_of_a_short_value_and_so_it_widens() -> None:
    """Of "1234" nothing is kept by "keep the last 4", and "34" by "keep the last 2"."""
    four, two = (reduced("person.name", How.MASK, keep_last=keep) for keep in (4, 2))
    assert turns(four, two) == [W]
    assert turns(two, four) == [W]


@pytest.mark.parametrize(
    ("old", "new", "turn", "words"),
    [
        (BASE, item("offense.charge", unless="offense.juvenile"), N, "on more conditions"),
        (item("offense.charge", unless="offense.juvenile"), BASE, W, "on fewer conditions"),
        (item("offense.charge", unless="offense.juvenile"), item("offense.charge", unless="sealed"), W, "on other"),
        (item("offense.charge", unless="sealed"), item("offense.charge", when="sealed"), W, "on other conditions"),
    ],
)
def test_other_conditions_are_told_with_the_old_ones(old: Clause, new: Clause, turn: Turn, words: str) -> None:
    change = one(old, new)
    assert (change.turn, change.what) == (turn, "fields")
    assert words in change.text
    assert "; conditions: " in change.text
    assert "; until now: " in change.text


def test_a_clause_written_another_way_changes_nothing() -> None:
    named = [field.name for field in exchanges()[RELEASE].catalog.select("person.dob")]
    share = tuple(Item(what=each) for each in (*named, "offense.charge", "person.name"))
    reason = (Transform(what="person.sex", how=How.REMOVE, because="Not needed."),)
    assert told(BASE, replace(BASE, share=share, transforms=reason, id="T9")) == ()
    places = Transform(what="location.city", how=How.GENERALIZE, to=Grain.CITY_STATE)
    with_city = replace(BASE, share=(*BASE.share, Item(what="location.city")))
    assert [each for each in told(with_city, replace(with_city, transforms=(places,))) if each.turn is W] == []


def test_what_withheld_fields_leave_behind_tells_that_there_was_something() -> None:
    nil = replace(BASE, manner=Manner.NIL_WITHHELD)
    (change,) = told(BASE, nil)
    assert change.turn is W
    assert 'leave an empty element marked "withheld" where withheld from millbrook-police' in change.text
    assert turns(nil, BASE) == [N]


def test_law_that_withholds_a_field_under_both_versions_leaves_nothing_to_tell() -> None:
    paths = [field.path for field in exchanges()[RELEASE].catalog.select("person.sex")]

    def law(_mou: Mou, _clause: Clause, _recipient: AgencyId) -> Restrictions:
        return dict.fromkeys(paths, (Restriction(law="State law 1"),))

    wider = replace(BASE, share=(*BASE.share, Item(what="person.sex")))
    assert diff(mou_of(BASE), mou_of(wider), exchanges(), law) == ()


# --- who gets it -------------------------------------------------------------------------------------------------


def with_recipients(*recipients: AgencyId) -> Clause:
    return replace(BASE, recipients=recipients)


def test_a_recipient_that_comes_or_goes_is_told_with_what_it_gets() -> None:
    change = one(with_recipients(POLICE), with_recipients(POLICE, PROBATION))
    assert (change.turn, change.recipients, change.what) == (W, (PROBATION,), "recipient")
    count = len(change.fields)
    assert change.text.startswith(
        "harlan-probation gets custody-release/1.0 from harlan-county-jail for release-notification (patrol-officer), "
        f"{count} fields: "
    )
    back = one(with_recipients(POLICE, PROBATION), with_recipients(POLICE))
    assert (back.turn, back.recipients) == (N, (PROBATION,))
    assert back.text.startswith("harlan-probation no longer gets custody-release/1.0")


def test_what_changes_for_several_recipients_is_said_once() -> None:
    both = with_recipients(POLICE, PROBATION)
    change = one(both, replace(both, share=(*both.share, Item(what="person.sex"))))
    assert set(change.recipients) == {POLICE, PROBATION}
    assert "visible to harlan-probation and millbrook-police: Sex" in change.text


def test_what_two_clauses_change_alike_is_said_once_for_both_recipients() -> None:
    clauses = (BASE, replace(BASE, id="T2", recipients=(PROBATION,), role="officer"))
    (change,) = told(mou_of(*clauses), mou_of(*(replace(each, within=timedelta(hours=1)) for each in clauses)))
    assert (set(change.recipients), set(change.clauses)) == ({POLICE, PROBATION}, {"T1", "T2"})


def test_clauses_that_trade_ids_are_compared_by_what_they_are_for() -> None:
    other = replace(BASE, id="T2", purpose="investigation", route=BASE.route)
    old = mou_of(BASE, other)
    new = mou_of(replace(BASE, id="T2"), replace(other, id="T1"))
    assert told(old, new) == ()


def test_another_purpose_or_role_widens_and_is_no_new_clause() -> None:
    change = one(BASE, replace(BASE, purpose="investigation"))
    assert (change.turn, change.what) == (W, "purpose")
    assert change.text == (
        "millbrook-police may use custody-release/1.0 for investigation, until now for release-notification."
    )
    change = one(BASE, replace(BASE, role="detective"))
    assert change.text == "custody-release/1.0 goes to detective, until now to patrol-officer, at millbrook-police."


def test_a_strict_clause_that_goes_before_another_widens_because_the_next_decides_then() -> None:
    strict = replace(BASE, id="T1", share=BASE.share[:1])
    wide = replace(BASE, id="T2", purpose="investigation")
    both = mou_of(strict, wide)
    assert turns(both, mou_of(wide)) == [N, W]
    narrower = replace(strict, route=(*strict.route, Condition(fact="juvenile", values=(False,))))
    assert sorted(turns(both, mou_of(narrower, wide))) == sorted([N, W])
    assert turns(both, mou_of(wide, strict)) == [W]
    assert told(both, mou_of(wide, strict))[0].what == "order"


# --- the rest of a clause ----------------------------------------------------------------------------------------

SEALED, ADULT = Condition(fact="sealed", values=(False,)), Condition(fact="juvenile", values=(False,))
TOWNS = Condition(fact="residence.city", values=("Harlan", "Millbrook"))


def route(*conditions: Condition) -> Clause:
    return replace(BASE, route=conditions)


def kept(**lengths: timedelta | None) -> Clause:
    return replace(BASE, retention=replace(BASE.retention, **lengths))


YEAR = timedelta(days=365)
DEADLINE = Deadline(at_least=timedelta(hours=48), before="release.scheduled")


@pytest.mark.parametrize(
    ("old", "new", "turn", "what", "words"),
    [
        (
            route(SEALED),
            route(SEALED, ADULT),
            N,
            "route",
            "Fewer custody-release/1.0 messages go to millbrook-police: ",
        ),
        (
            route(SEALED, ADULT),
            route(SEALED),
            W,
            "route",
            "where sealed is false; until now where juvenile is false and",
        ),
        (route(SEALED), route(), W, "route", "every one"),
        (route(SEALED), route(ADULT), W, "route", "More or other"),
        (route(TOWNS), route(replace(TOWNS, values=("Harlan",))), N, "route", "residence.city is Harlan; until now"),
        (route(TOWNS), route(replace(TOWNS, values=("Harlan", "Oakvale"))), W, "route", "is Harlan or Oakvale"),
        (
            BASE,
            kept(recipient_copy=2 * YEAR),
            W,
            "retention",
            "recipient's copy is kept longer: 2 years, until now 1 year",
        ),
        (BASE, kept(recipient_copy=YEAR / 5), N, "retention", "kept shorter: 73 days"),
        (BASE, kept(recipient_copy=None), W, "retention", "kept longer: without a limit"),
        (kept(recipient_copy=None), BASE, N, "retention", "until now without a limit"),
        (BASE, kept(gateway_copy=timedelta(hours=36)), N, "retention", "gateway's copy is kept shorter: 36 hours"),
        (BASE, kept(gateway_copy=None), W, "retention", "The gateway's copy"),
        (kept(gateway_copy=None), BASE, W, "retention", "The gateway's copy"),
        (
            BASE,
            replace(BASE, within=timedelta(minutes=15)),
            S,
            "delivery",
            "due within 15 minutes, until now at no set",
        ),
        (BASE, replace(BASE, deadline=DEADLINE), S, "deadline", "due 48 hours before release.scheduled"),
        (BASE, replace(BASE, evidence=Evidence.SIGNED), N, "delivery", "is signed, until now transport"),
        (replace(BASE, evidence=Evidence.SIGNED), BASE, W, "delivery", "is transport, until now signed"),
        (BASE, replace(BASE, notices=()), W, "notices", "no longer travels with it: 'Verify identity.'"),
        (replace(BASE, notices=()), BASE, N, "notices", "A notice travels with it: 'Verify identity.'"),
        (BASE, replace(BASE, onward_sharing="to courts"), W, "onward-sharing", "is 'to courts', until now nothing"),
        (replace(BASE, onward_sharing="to courts"), BASE, N, "onward-sharing", "is nothing, until now 'to courts'"),
    ],
)
def test_what_else_a_clause_says(old: Clause, new: Clause, turn: Turn, what: str, words: str) -> None:
    change = one(old, new)
    assert (change.turn, change.what, change.recipients) == (turn, what, (POLICE,))
    assert words in change.text
    assert str(POLICE) in change.text


def test_a_route_said_in_another_order_is_the_same_route() -> None:
    assert told(route(SEALED, TOWNS), route(replace(TOWNS, values=TOWNS.values[::-1]), SEALED)) == ()


# --- access ------------------------------------------------------------------------------------------------------

RULE = AccessRule(
    id="A1", roles=("patrol-officer",), purposes=("release-notification",), categories=("custody-release",)
)


def ruled(*rules: AccessRule) -> Mou:
    return replace(mou_of(BASE), access=rules)


@pytest.mark.parametrize(
    ("old", "new", "turn", "words"),
    [
        ((RULE,), (replace(RULE, roles=("patrol-officer", "clerk")),), W, "clerk at millbrook-police may see"),
        ((), (replace(RULE, roles=("patrol-officer", "clerk")),), W, "Whoever is clerk at"),
        ((replace(RULE, roles=("patrol-officer", "clerk")),), (), N, "clerk at millbrook-police may no longer see"),
        (
            (RULE,),
            (replace(RULE, mfa=True),),
            N,
            "on the condition to sign in with a second factor; until now whatever",
        ),
        ((replace(RULE, mfa=True),), (RULE,), W, "may see custody-release for release-notification; until now on the"),
        ((replace(RULE, mfa=True),), (replace(RULE, training=("cjis",)),), W, "hold the training cjis, not expired;"),
        ((replace(RULE, mfa=True),), (replace(RULE, mfa=True, training=("cjis",)),), N, "and hold the training cjis"),
        ((RULE,), (replace(RULE, mfa=True), replace(RULE, id="A2", training=("cjis",))), N, "or else to"),
    ],
)
def test_who_may_see_it_and_on_which_condition(
    old: tuple[AccessRule, ...], new: tuple[AccessRule, ...], turn: Turn, words: str
) -> None:
    change = one(ruled(*old), ruled(*new))
    assert (change.turn, change.what) == (turn, "access")
    assert words in change.text


def test_a_denial_that_shuts_everybody_out_takes_the_fields_too() -> None:
    shut = ruled(RULE, AccessRule(id="A2", effect=Effect.DENY))
    changes = told(ruled(RULE), shut)
    assert {each.what for each in changes} == {"access", "fields"}
    assert {each.turn for each in changes} == {N}
    assert {each.turn for each in told(shut, ruled(RULE))} == {W}
    assert told(shut, ruled(replace(RULE, roles=()))) == ()


def test_rules_that_say_what_clauses_say_change_nothing() -> None:
    assert told(ruled(), ruled(RULE)) == ()
    assert told(ruled(RULE), ruled(replace(RULE, id="A7"), replace(RULE, id="A8", mfa=True))) == ()


# --- the frame ---------------------------------------------------------------------------------------------------

MOU = replace(
    mou_of(BASE),
    review_by=date(2026, 6, 1),
    law_packs=("cjis",),
    reports=(Report(id="monthly", every=timedelta(days=30), to=("a@jail.example",)),),
    storage=Storage(place="county data center", host="county"),
    prose=(Section(heading="Third parties", text="Nothing is passed on."),),
)
OTHERS = Report(id="weekly", every=timedelta(days=7), to=("liaison",))
OPEN = Section(heading="Third parties", text="Anything goes.")


def frame(**changes: object) -> Mou:
    return replace(MOU, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("new", "turn", "words"),
    [
        (frame(parties=(JAIL, POLICE, PROBATION)), W, "harlan-probation becomes party."),
        (frame(parties=(JAIL,)), N, "millbrook-police is no longer party."),
        (frame(since=date(2025, 1, 1)), W, "The first day is 2025-01-01, until now 2026-01-01."),
        (frame(since=date(2026, 2, 1)), N, "The first day"),
        (frame(until=date(2027, 1, 1)), W, "The last day is 2027-01-01"),
        (frame(until=date(2026, 7, 1)), N, "The last day"),
        (frame(review_by=None), W, "The review is due not set, until now 2026-06-01."),
        (frame(review_by=date(2026, 5, 1)), N, "The review is due 2026-05-01"),
        (frame(law_packs=()), W, "No longer named as binding: cjis."),
        (frame(law_packs=("cjis", "vawa")), N, "Named as binding besides: vawa."),
        (frame(audit_kept=timedelta(days=365)), W, "Records of disclosure are kept 1 year, until now 7 years."),
        (frame(audit_kept=timedelta(days=3650)), N, "kept 10 years"),
        (frame(storage=Storage(place="a cloud", host="county")), W, "keep what they get changes: place."),
        (frame(storage=None), W, "changes: place and host."),
        (frame(reports=(*MOU.reports, OTHERS)), W, "The report weekly goes to liaison every 7 days."),
        (frame(reports=()), S, "There is no report monthly any more."),
        (frame(reports=(replace(MOU.reports[0], to=("b@pd.example",)),)), None, ""),
        (frame(reports=(replace(MOU.reports[0], every=timedelta(days=7)),)), S, "due every 7 days"),
        (frame(prose=(OPEN,)), W, "The section 'Third parties' changes: a person must read it."),
        (frame(prose=()), W, "The section 'Third parties' is gone"),
        (frame(definitions=(Section(heading="release", text="x"),)), W, "The definition 'release' is new"),
        (frame(title="Another"), S, "The title is 'Another', until now 'For a test'."),
        (frame(kind=Kind.DSA), S, "The kind is 'dsa'"),
        (frame(authority=("28 CFR 20.33",)), S, "Legal authority: 28 CFR 20.33 added."),
        (frame(goals=(Goal(goal="x", measure="y"),)), S, "Goals or their measures change."),
        (
            frame(contacts=(PartyContact(party=JAIL, contact=Contact(name="Dana", role="liaison")),)),
            S,
            "Contacts change: harlan-county-jail.",
        ),
        (frame(id="OTHER-01"), W, "It is another agreement: OTHER-01, not TEST-01."),
    ],
)
def test_what_changes_around_the_clauses(new: Mou, turn: Turn | None, words: str) -> None:
    changes = told(MOU, new)
    if turn is None:
        assert [each.turn for each in changes] == [W, S]
        return
    (change,) = changes
    assert change.turn is turn
    assert words in change.text


def test_version_digest_and_approvals_are_no_change() -> None:
    approval = Approval(party=JAIL, by="D. Whitcombe", role="sheriff", at=date(2026, 1, 1))
    assert told(MOU, frame(version=2, supersedes=1, digest="sha-256:1", approvals=(approval,))) == ()


# --- laws --------------------------------------------------------------------------------------------------------


def test_a_version_compared_with_itself_changes_nothing() -> None:
    for mou in (*agreements().values(), MOU):
        assert told(mou, mou) == ()
        assert not is_widening(mou, mou, exchanges())


def test_a_first_version_widens() -> None:
    assert is_widening(None, MOU, exchanges())


def test_every_shipped_agreement_without_one_line_is_narrower_and_with_it_wider() -> None:
    for mou in agreements().values():
        for clause in mou.exchanges:
            for line in clause.share:
                if line.unless or line.when:
                    continue  # its condition may hold back what another line gives
                rest = tuple(each for each in clause.share if each is not line)
                shorter = replace(clause, share=rest)
                less = replace(mou, exchanges=tuple(shorter if each is clause else each for each in mou.exchanges))
                gone = told(mou, less)
                assert {each.turn for each in gone} <= {N}
                assert is_widening(less, mou, exchanges()) is bool(gone)


def test_a_line_whose_condition_held_back_what_another_gives_widens_when_it_goes() -> None:
    """JAIL-PD-2026-01 shares person.id.*, and the booking number unless the booking is sealed."""
    mou = agreements()["JAIL-PD-2026-01"]
    clause = mou.exchanges[0]
    rest = tuple(each for each in clause.share if each.what != "person.id.booking")
    change = one(mou, replace(mou, exchanges=(replace(clause, share=rest), *mou.exchanges[1:])))
    assert (change.turn, change.fields) == (W, ("person.id.booking.number",))


def test_every_change_is_one_sentence() -> None:
    mous = list(agreements().values())
    for change in (each for old in mous for new in mous for each in told(old, new)):
        assert change.text[-1] == "."
        assert change.text[0] != " "
        assert "  " not in change.text


# --- what does not widen shows nobody more -------------------------------------------------------------------------

PAIRS = 700
WORDS = ("person.name", "person.dob", "person.id.doc", "offense.charge", "person.sex")
FACTS = ("sealed", "juvenile", "high-risk")
HELD_BACK = ("", "", "protected", "victim.wants-notice")
FORMS = (
    Transform(what="person.dob", how=How.GENERALIZE, to=Grain.YEAR),
    Transform(what="person.dob", how=How.GENERALIZE, to=Grain.MONTH),
    Transform(what="person.id.doc", how=How.MASK, keep_last=4),
    Transform(what="person.id.doc", how=How.MASK, keep_last=2),
    Transform(what="person.id.doc", how=How.MASK),
    Transform(what="person.id.doc", how=How.REPLACE, text="on file"),
    Transform(what="offense.charge", how=How.REMOVE),
)
VALUES = {
    "string": ("", "12", "123", "1234", "12345", "8812345", "9912345"),
    "date": ("2001-02-03", "2001-02-09", "2001-07-03", "1999-02-03"),
    "datetime": ("2001-02-03T10:00:00Z", "2001-02-03T11:00:00Z", "2001-02-09T10:00:00Z", "1999-02-03T10:00:00Z"),
}


def some_clause(random: Random, id: str) -> Clause:
    forms = {each.what: each for each in random.sample(FORMS, 3)}
    share = random.sample(WORDS, random.randint(1, 4))
    route = random.sample(FACTS, random.randint(0, 2))
    return Clause(
        id=id,
        exchange=RELEASE,
        sender=JAIL,
        recipients=tuple(random.sample((POLICE, PROBATION), random.randint(1, 2))),
        purpose=random.choice(PURPOSES),
        role=random.choice(ROLES[:2]),
        route=tuple(Condition(fact=each, values=(random.random() < 0.5,)) for each in route),
        share=tuple(Item(what=each, unless=random.choice(HELD_BACK)) for each in share),
        transforms=tuple(forms.values()),
    )


def edited(random: Random, mou: Mou) -> Mou:
    """The agreement with one thing changed."""
    at = random.randrange(len(mou.exchanges))
    clause = mou.exchanges[at]
    other = some_clause(random, clause.id)
    part = random.choice(("share", "transforms", "route", "recipients", "role", "gone", "access", "item", "order"))
    exchanges = list(mou.exchanges)
    if part == "gone" and len(exchanges) > 1:
        del exchanges[at]
    elif part == "order":
        random.shuffle(exchanges)
    elif part == "item":
        exchanges[at] = replace(clause, share=tuple(each for each in clause.share if random.random() < 0.7))
    elif part == "access":
        roles = tuple(random.sample(ROLES, 2))
        effect = random.choice((Effect.PERMIT, Effect.DENY))
        rule = AccessRule(id="A9", effect=effect, roles=roles, purposes=PURPOSES, categories=("custody-release",))
        everyone = AccessRule(id="A0", roles=ROLES, purposes=PURPOSES, categories=("custody-release",))
        return replace(mou, access=(everyone, rule))
    elif part != "gone":
        exchanges[at] = replace(clause, **{part: getattr(other, part)})
    return replace(mou, exchanges=tuple(exchanges))


class Said:
    """Facts of a message that nobody wrote."""

    def __init__(self, true: frozenset[str]) -> None:
        self.true = true

    def message(self, name: str) -> bool:
        return name in self.true


Shown = dict[tuple[str, str], tuple[str | None, ...]]


def shown(mou: Mou, messages: list[frozenset[str]]) -> list[Shown]:
    """What each recipient sees of sample values of each field, for messages of which these facts are true."""
    catalog = exchanges()[RELEASE].catalog
    fields = [each for word in WORDS for each in catalog.select(word)]
    index, decided = InForce([mou]), {each.id: outcomes(each, catalog) for each in mou.exchanges}
    answers = []
    for true in messages:
        given = grants(index, sender=JAIL, exchange=RELEASE, facts=Said(true), on=date(2026, 6, 1))  # type: ignore[arg-type]
        found: Shown = {}
        for grant in given:
            for field in fields:
                outcome, values = decided[grant.clause.id][field.path], VALUES.get(field.kind, ("x", "y"))
                if not outcome.withheld_in(true):
                    seen = tuple(value if outcome.change is None else outcome.change(value) for value in values)
                    found[grant.recipient, field.name] = seen
        answers.append(found)
    return answers


def test_a_version_that_does_not_widen_shows_no_recipient_more_of_any_message() -> None:
    """Asked of the grants and the transforms themselves: whatever two values looked alike under the old version must
    look alike under the new."""
    random = Random(28)  # noqa: S311 - the same cases every time
    facts = (*FACTS, "protected", "victim.wants-notice")
    messages = [frozenset(each for at, each in enumerate(facts) if number >> at & 1) for number in range(32)]
    narrower = 0
    for _ in range(PAIRS):
        old = mou_of(*(some_clause(random, f"E{each}") for each in range(random.randint(1, 3))))
        new = edited(random, old)
        if is_widening(old, new, exchanges()):
            continue
        narrower += bool(told(old, new))
        for before, after in zip(shown(old, messages), shown(new, messages), strict=True):
            for key, seen in after.items():
                assert key in before, (old, new, key)
                alike = dict(zip(before[key], seen, strict=True))
                assert tuple(alike[each] for each in before[key]) == seen, (old, new, key)
    assert narrower > 60  # the law was really asked


def test_what_narrows_widens_when_it_is_taken_back() -> None:
    random = Random(23)  # noqa: S311 - the same cases every time
    asked = 0
    for _ in range(300):
        old = mou_of(*(some_clause(random, f"E{each}") for each in range(random.randint(1, 3))))
        new = edited(random, old)
        if any(each.turn is N for each in told(old, new)):
            asked += 1
            assert is_widening(new, old, exchanges())
    assert asked > 60
