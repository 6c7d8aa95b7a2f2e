"""Words: the roles, purposes and courses that agreements may name without explaining them.

One place, because a purpose means nothing to the partner, to a law pack or to an auditor unless it is everywhere the
same word. An agreement that needs another word says what it means, under its own `roles:`, `purposes:` or `courses:`;
a word that stands in neither place is an error, so that a slip of the pen never becomes a purpose of its own
(docs/decisions/0016-words-of-agreements.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a list.

    title   what it means, for people
    source  where the word or its meaning comes from
    """

    title: str
    source: str

    def __str__(self) -> str:
        return f"{self.title} ({self.source})"


def _words(*rows: tuple[str, str, str]) -> Mapping[str, Word]:
    return {id: Word(title=title, source=source) for id, title, source in rows}


_PRACTICE = "usual in agreements between agencies"

ROLES = _words(
    # police and sheriffs
    ("patrol-officer", "Officer on patrol who may meet the person", _PRACTICE),
    ("detective", "Officer who investigates cases", _PRACTICE),
    ("crime-analyst", "Sworn or civilian analyst of a police department", _PRACTICE),
    ("records-officer", "Keeper of an agency's records", "CJIS Security Policy, local agency security officer's staff"),
    ("warrant-officer", "Officer who serves warrants", _PRACTICE),
    (
        "task-force-officer",
        "Member of a joint task force named in the agreement",
        "28 CFR 23.3(b), interjurisdictional",
    ),
    ("crisis-officer", "Officer with crisis intervention training", "crisis intervention team programs"),
    ("dispatcher", "Telecommunicator who sends units to a call", _PRACTICE),
    ("school-resource-officer", "Officer assigned to a school", "34 U.S.C. 10389(4)"),
    # custody
    ("booking-officer", "Officer who takes people into custody", _PRACTICE),
    ("classification-officer", "Officer who decides on housing in custody", _PRACTICE),
    ("release-coordinator", "Officer who prepares releases", _PRACTICE),
    ("institutional-investigator", "Investigator of a jail or prison", _PRACTICE),
    ("medical-staff", "Health staff of a jail or prison", "45 CFR 164.512(k)(5)"),
    ("case-manager", "Who plans programs and reentry", _PRACTICE),
    # supervision
    (
        "supervising-officer",
        "Probation or parole officer of the person, and that officer's supervisor",
        "42 CFR 2.35(a)",
    ),
    ("pretrial-officer", "Officer of a pretrial services agency", "42 CFR 2.35(a)"),
    ("victim-advocate", "Advocate who tells and accompanies victims", "34 U.S.C. 20141(c)"),
    # courts and prosecution
    ("judge", "Judge of the case", _PRACTICE),
    ("court-clerk", "Clerk of the court", _PRACTICE),
    ("assistant-district-attorney", "Prosecutor of the case", _PRACTICE),
    ("victim-witness-coordinator", "Staff of a prosecutor who tell victims and witnesses", "34 U.S.C. 20141(c)"),
    # analysis and care
    ("intelligence-analyst", "Analyst of a fusion or intelligence center", "28 CFR 23.20(e)"),
    ("clinician", "Licensed provider of health or mental health care", "45 CFR 160.103"),
    ("crisis-counselor", "Mental health member of a crisis team", "crisis intervention team programs"),
    ("reentry-coordinator", "Who connects people to services after release", _PRACTICE),
    ("service-provider-staff", "Staff of a contracted provider of services", _PRACTICE),
    ("medical-examiner-investigator", "Investigator of deaths", "45 CFR 164.512(g)"),
    # everywhere
    ("compliance-officer", "Who checks that this agreement is kept", "28 CFR 20.21(f)"),
    ("privacy-officer", "Who answers for privacy at an agency", "45 CFR 164.530(a)"),
    ("auditor", "Who audits on behalf of a party or a state agency", "CJIS Security Policy, audits"),
)

PURPOSES = _words(
    # release and supervision
    ("release-notification", "Tell of a release before it happens", "state release notice laws"),
    ("supervision", "Supervise a person on probation, parole or pretrial release", "28 CFR 20.3(b), 42 CFR 2.35(a)"),
    ("reentry", "Plan the return from custody and connect to services", _PRACTICE),
    ("focused-deterrence", "Meet people at the highest risk with services and a warning", _PRACTICE),
    ("pretrial-release", "Decide on, and supervise, release before trial", "28 CFR 20.3(b)"),
    # safety
    ("officer-safety", "Keep officers and the people they meet safe", _PRACTICE),
    ("custody-safety", "Keep people in custody, staff and visitors safe", "45 CFR 164.512(k)(5)(i)(B)-(C)"),
    ("transport-safety", "Keep people safe while a person in custody is moved", "45 CFR 164.512(k)(5)(i)(D)"),
    ("facility-law-enforcement", "Enforce the law on the premises of a jail or prison", "45 CFR 164.512(k)(5)(i)(E)"),
    ("facility-order", "Keep order in a jail or prison", "45 CFR 164.512(k)(5)(i)(F)"),
    ("custody-classification", "Decide where a person is housed in custody", _PRACTICE),
    ("threat-assessment", "Judge whether violence is likely", "28 CFR 23.20(e)"),
    ("violence-prevention", "Prevent shootings and retaliation", _PRACTICE),
    ("gang-task-force", "Prevent violence between groups, by a joint task force", "28 CFR 23.20(a)"),
    ("locate-or-identify", "Find or identify a suspect, fugitive, witness or missing person", "45 CFR 164.512(f)(2)"),
    # cases
    ("active-investigation", "Investigate a case that has a number", "28 CFR 20.33(a)(1)"),
    ("criminal-investigation", "Investigate an offense", "18 U.S.C. 5038(a)(3)"),
    ("apprehension", "Find and arrest a person under a warrant", "28 CFR 20.33(a)(1)"),
    ("prosecution", "Prosecute an offense", "28 CFR 20.3(b)"),
    ("court-inquiry", "Answer a court", "18 U.S.C. 5038(a)(1)"),
    ("presentence-report", "Prepare a report for sentencing", "18 U.S.C. 5038(a)(2)"),
    ("sentencing", "Pass a sentence", "28 CFR 20.3(b)"),
    ("death-investigation", "Find out how somebody died", "45 CFR 164.512(g)"),
    ("offender-registration", "Keep a register of offenders that law prescribes", "34 U.S.C. 20913"),
    ("public-registry", "Show a register of offenders to the public", "34 U.S.C. 20920"),
    # juveniles
    ("juvenile-commitment", "Treat or hold a juvenile whom a court committed", "18 U.S.C. 5038(a)(4)"),
    ("juvenile-disposition-notice", "Tell a victim how a juvenile case ended", "18 U.S.C. 5038(a)(6)"),
    # employment
    ("law-enforcement-position", "Look into an applicant for a law enforcement position", "18 U.S.C. 5038(a)(3)"),
    (
        "national-security-position",
        "Look into an applicant whose position affects security",
        "18 U.S.C. 5038(a)(5)",
    ),
    # health
    ("crisis-response", "Respond to a person in a mental health crisis", _PRACTICE),
    ("health-care", "Give care to a person in custody", "45 CFR 164.512(k)(5)(i)(A)"),
    ("treatment", "Give treatment", "45 CFR 164.506(c), 42 CFR 2.31"),
    # victims
    ("victim-notification", "Tell a victim of what happens to the offender", "34 U.S.C. 20141(c)"),
    ("protective-order-enforcement", "Enforce an order that protects a person", "18 U.S.C. 2265"),
    ("victimization-prevention", "Keep a person from becoming a victim", "34 U.S.C. 12291(b)(2)"),
    # everywhere
    ("statistics", "Count without naming anybody", "28 CFR part 22"),
    ("audit", "Check that rules are kept", "28 CFR 20.21(e)"),
)

COURSES = _words(
    ("cjis-security", "CJIS security awareness training", "CJIS Security Policy, awareness and training"),
    ("28-cfr-part-23", "Criminal intelligence systems operating policies", "28 CFR part 23"),
    ("42-cfr-part-2", "Confidentiality of substance use disorder records", "42 CFR part 2"),
    ("hipaa-privacy", "Privacy of health information", "45 CFR 164.530(b)"),
    ("vawa-confidentiality", "Confidentiality of victims' data", "34 U.S.C. 12291(b)(2)"),
    ("crisis-intervention", "Crisis intervention training", "crisis intervention team programs"),
    ("privacy-civil-rights", "Privacy, civil rights and civil liberties", "28 CFR 23.20"),
)


def titles(words: Mapping[str, Word]) -> dict[str, str]:
    """The words with what they mean in one line, as editors show it."""
    return {id: str(word) for id, word in words.items()}
