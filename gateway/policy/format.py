"""The format of an agreement's file: every key there is, its shape, and a line and an example for whoever writes one.

The reader (`read.py`), the JSON Schema (`schema.py`) and the page for officers (`docs/agreements.md`) all come from
what is declared here and in `format_clause.py`; there is no other list of keys.
"""

import re

from gateway.policy.format_clause import ACCESS_RULE, ANY, CLAUSE, PARTY, WORDS, may, must
from gateway.policy.mou import Kind
from gateway.policy.reading import WORD
from gateway.policy.shape import Choice, Day, Duration, Number, Text
from gateway.policy.shape_table import ListOf, MapOf, OneOf, TableOf

_MOU_ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*")
EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+")

PROSE = {
    "training": ("Training", "Which training people with access have, and how often."),
    "breach_notice": ("Notice of a breach", "Who tells whom, and how soon, when somebody had access who must not."),
    "third_parties": ("Third parties", "What becomes of a request from outside; the rule on passing on."),
    "audit": ("Right to audit", "Who may check what, and when."),
    "disputes": ("Disputes", "Who settles a disagreement, and how soon."),
    "termination": ("Termination", "How the agreement ends before its last day."),
}
"""Keys whose text only people read, with the heading on the paper and a line for the writer."""

_PROSE_EXAMPLES = {
    "training": "Officers with access complete CJIS security awareness training before access and each year.",
    "breach_notice": "A party that learns of unauthorized access tells the others within 24 hours.",
    "third_parties": "A recipient passes nothing on.",
    "audit": "Each party may ask for the log of what was exchanged under this agreement at any time.",
    "disputes": "The liaisons settle disputes within ten days; the agency heads after that.",
    "termination": "Either party ends this agreement with 30 days' notice in writing.",
}


# --- the frame ---------------------------------------------------------------------------------------------------

EFFECTIVE = TableOf(
    keys=(
        must("from", Day(), "First day.", "2026-01-01"),
        must("until", Day(), "Last day, that day included.", "2028-12-31"),
        may("review_by", Day(), "Day by which the parties look at it again.", "2027-12-01"),
    )
)

CONTACT = TableOf(
    keys=(
        must("party", PARTY, "Of which party.", "millbrook-police"),
        must("role", WORDS, "liaison, deputy, after-hours, privacy-officer.", "liaison"),
        must("name", ANY, "Name or post.", "Sgt. Imre Castellane"),
        may("phone", ANY, "Telephone, in quotes.", '"+1-555-010-5100"'),
        may("email", ANY, "E-mail address.", "liaison@police.millbrook.example"),
    )
)

APPROVAL = TableOf(
    keys=(
        must("party", PARTY, "For which party.", "millbrook-police"),
        must("by", ANY, "Who approves.", "Chief A. Moss"),
        must("role", ANY, "In which office.", "chief of police"),
        must("at", Day(), "On which day; not after the first day of the agreement.", "2025-12-12"),
        may("key", ANY, "Id of the key that signed.", "kid-1"),
        may("signature", ANY, "Signature over the digest.", "base64 text"),
    )
)

REPORT = TableOf(
    keys=(
        must("id", WORDS, "What the report is called.", "late-notices"),
        must("every", Duration(), "How often.", "1 month"),
        must(
            "to",
            ListOf(item=ANY, filled=True, once=True),
            "To whom: e-mail addresses, or roles of contacts of this agreement.",
            "[liaison]",
        ),
        may("text", ANY, "What it says, in a line.", "Notices that came less than 48 hours before the release."),
    )
)

STORAGE = OneOf(
    shapes=(
        ANY,
        TableOf(
            keys=(
                must("place", ANY, "In which system records are kept.", "Records system of each recipient"),
                must("host", ANY, "Who runs that system, and where.", "Harlan County data center"),
                may("safeguards", ANY, "How it is protected.", "Encrypted at rest; access by named officers only."),
            )
        ),
    ),
    hint="a text, or a table with place, host and safeguards, is expected here",
)


def _meanings(code: str) -> MapOf:
    return MapOf(
        key=Text(form=WORD, hint="such a word is written in lower case, joined by hyphens", code=code),
        value=ANY,
        sort="a word, and what it means",
    )


AGREEMENT = TableOf(
    keys=(
        must(
            "mou",
            Text(
                form=_MOU_ID,
                hint="an agreement's id is capital letters and digits joined by hyphens: JAIL-PD-2026-01",
                length_max=64,
            ),
            "Id of the agreement; the same in all its versions.",
            "JAIL-PD-2026-01",
        ),
        must("version", Number(), "Number of this version.", "2"),
        may("supersedes", Number(), "The version this one takes the place of; an earlier one.", "1"),
        must("title", ANY, "What it is about.", "Release notices to Millbrook police"),
        must(
            "kind",
            Choice(
                words={
                    Kind.MOU: "Memorandum of understanding between agencies",
                    Kind.DSA: "Data sharing agreement",
                    Kind.SOP: "Standard operating procedure; may bind units of one agency",
                    Kind.LETTER: "Letter of agreement; may bind units of one agency",
                }
            ),
            "What sort of paper it is.",
            "mou",
        ),
        must(
            "parties",
            ListOf(item=PARTY, filled=True, once=True),
            "Who agrees: two or more agencies; or, in an sop or letter, units of one agency.",
            "[harlan-county-jail, millbrook-police]",
        ),
        must("effective", EFFECTIVE, "From when until when.", "{from: 2026-01-01, until: 2028-12-31}"),
        may("authority", ListOf(item=ANY), "The law that allows it.", '["28 CFR 20.33(a)(1)"]'),
        may(
            "law_packs",
            ListOf(
                item=Text(
                    form=re.compile(r"[a-z0-9]+([.\-][a-z0-9]+)*"),
                    hint="a law pack is named in lower case",
                    code="bad-word",
                ),
                once=True,
            ),
            "Packs of law the parties name. Packs that bind them anyway bind them without being named.",
            "[vawa]",
        ),
        may(
            "goals",
            ListOf(
                item=TableOf(
                    keys=(
                        must("goal", ANY, "What the parties want to reach.", "Police know of releases two days ahead."),
                        must("measure", ANY, "How they will know.", "Share of releases noticed 48 hours before."),
                    )
                )
            ),
            "What it is for, and how the parties will know whether it works.",
            '[{goal: "Police know of releases ahead.", measure: "Share of releases noticed 48 hours before."}]',
        ),
        may(
            "definitions",
            MapOf(key=ANY, value=ANY, sort="a word, and what it means"),
            "What words mean in this agreement.",
            "{release: A person leaves custody.}",
        ),
        may(
            "roles",
            _meanings("bad-word"),
            "Roles of its own: words the gateway does not ship.",
            "{bike-patrol: Officer on a bicycle.}",
        ),
        may("purposes", _meanings("bad-word"), "Purposes of its own.", "{school-safety: Keep pupils safe.}"),
        may("courses", _meanings("bad-word"), "Courses of its own.", "{local-privacy: The county's privacy course.}"),
        may(
            "access",
            ListOf(item=ACCESS_RULE, filled=True),
            "Who may see which records for which reason. Left out, only those whom the clauses name.",
            "[{id: A1, roles: [patrol-officer], purposes: [release-notification], categories: [custody-release]}]",
        ),
        must(
            "exchanges",
            ListOf(item=CLAUSE, filled=True),
            "The clauses: who gives what to whom, in which form, how fast, for how long.",
            "[{id: E1, exchange: custody-release/1.0, from: harlan-county-jail, to: [millbrook-police], "
            "purpose: release-notification, role: patrol-officer, fields: {share: [person.name]}}]",
        ),
        may(
            "retention",
            TableOf(
                keys=(
                    may("audit", Duration(), "How long the record of disclosures is kept; at least a year.", "7 years"),
                )
            ),
            "How long records about the exchange are kept.",
            "{audit: 7 years}",
        ),
        may(
            "reports",
            ListOf(item=REPORT),
            "Which reports come of it.",
            "[{id: late-notices, every: 1 month, to: [liaison]}]",
        ),
        may(
            "storage",
            STORAGE,
            "Where recipients keep what they get.",
            "{place: Records system, host: County data center}",
        ),
        *(may(key, ANY, line, _PROSE_EXAMPLES[key]) for key, (_, line) in PROSE.items()),
        may(
            "prose",
            ListOf(
                item=TableOf(
                    keys=(
                        must("heading", ANY, "Heading.", "Costs"),
                        must("text", ANY, "Text.", "Each party bears its own."),
                    )
                )
            ),
            "Sections of its own that only people read.",
            "[{heading: Costs, text: Each party bears its own.}]",
        ),
        may(
            "contacts",
            ListOf(item=CONTACT),
            "Whom to call at each party.",
            '[{party: millbrook-police, role: liaison, name: Sgt. Imre Castellane, phone: "+1-555-010-5100"}]',
        ),
        may(
            "approvals",
            ListOf(item=APPROVAL),
            "Who approved it, for which party. Stands outside the digest, because it is given over it.",
            "[{party: millbrook-police, by: Chief A. Moss, role: chief of police, at: 2025-12-12}]",
        ),
    )
)
