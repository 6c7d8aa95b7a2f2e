"""Labels: the words that agreements and law packs speak of, and the rules that propose them. Data, no code.

A rule is a pattern on the words of an element's name, in lower case: "PersonBirthDate" reads "person birth date".
Names are the same in all versions of NIEM, namespaces are not; so no rule looks at a namespace. `label` applies them.
"""

from dataclasses import dataclass

STEMS = {
    "person": "The person a message is about: names, birth, sex, descriptions, identifiers, photos.",
    "juvenile": "That somebody is or was a minor, and everything in a juvenile record.",
    "victim": "Victims, and persons an order protects: anything that tells who or where they are.",
    "victim-services": "Data of shelters, advocates and other victim service providers; never shared (VAWA).",
    "thirdparty": "Persons who are neither subject nor victim: household, family, witnesses, companions, reporters.",
    "officer": "Officers and officials who act: names, badges, units.",
    "medical": "Health: needs, injuries, medication, treatment, and who treats (HIPAA).",
    "medical.mental-health": "Mental and behavioral health.",
    "sud": "Substance use disorder and its treatment (42 CFR part 2).",
    "intel": "Criminal intelligence: basis, source, suspicion, informants (28 CFR 23).",
    "affiliation": "Gangs and other groups a person is said to belong to.",
    "communication.privileged": "Communication with counsel, clergy and others that law keeps confidential.",
    "investigation": "Running investigations: numbers, leads, units.",
    "location": "Where somebody is, was or lives, and zones set for them.",
    "contact": "An encounter of police with a person.",
    "incident": "What happened, as reported.",
    "arrest": "An arrest.",
    "booking": "Booking, custody and housing.",
    "offense": "Offenses, charges and statutes.",
    "court": "Court cases, hearings, pleas and dispositions.",
    "bail": "Bail and bonds.",
    "warrant": "Warrants.",
    "sentence": "Sentences and what remains of them.",
    "release": "Release from custody.",
    "supervision": "Probation, parole and other supervision; its violations.",
    "condition": "Conditions of release or supervision; orders of no contact.",
    "monitoring": "Electronic monitoring.",
    "risk": "Risk assessments and scores.",
    "need": "Needs that are not medical.",
    "caution": "Cautions to officers.",
    "employment": "Work and occupation.",
    "education": "Schools and schooling.",
    "vehicle": "Vehicles and their plates.",
    "weapon": "Firearms and other weapons.",
    "property": "Items, evidence and seized substances.",
    "organization": "Agencies, courts and other bodies that are no person.",
    "crash": "Traffic crashes.",
    "subscription": "Requests to be told of events, and their answers.",
    "message": "Head of a message: action, time, result, whether it is sealed.",
    "document": "Data on the document itself: number, dates, author system.",
    "other": "What an agency classifies in words of its own.",
}
"""Every first word of a label, and the longer stems that law packs name, with what it covers."""

SENSITIVE = (
    "communication.privileged",
    "victim-services",
    "sud",
    "victim",
    "juvenile",
    "intel",
    "medical.mental-health",
    "medical",
    "thirdparty",
    "affiliation",
    "investigation",
)
"""Stems that never are proposed as a plain one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Names with these words get this label, or this stem of one.

    words   regular expression on the words of one name
    leaf    False: it says so only of what it holds. True: only of a value's own name. None: of both
    """

    label: str
    words: str
    leaf: bool | None = None


def _rules(*rows: tuple[str, str]) -> tuple[Rule, ...]:
    return tuple(Rule(label=label, words=words) for label, words in rows)


SENSITIVE_RULES = (
    *_rules(
        ("communication.privileged", r"privileged?|attorney client|clergy|chaplain|legal (call|mail|visit)"),
        ("communication.privileged", r"confidential (note|communication|statement)s?"),
        ("communication.privileged", r"^communication\b(?! (device|address|mean|system|number))"),
        ("victim-services", r"victim services?|victim (advoca\w+|assistance|counsel\w*|compensation)|advocate"),
    ),
    Rule(label="victim-services", words=r"shelter\w*|safe ?house|rape crisis", leaf=False),
    Rule(label="location.shelter", words=r"(residence|home|address|location) shelter", leaf=True),
    Rule(label="victim-services", words=r"shelter\w*|safe ?house|rape crisis", leaf=True),
    *_rules(
        ("sud", r"substance (use|abuse|misuse|dependen\w+)|addict\w*|detox\w*|methadone|buprenorphine|naloxone"),
        ("sud", r"(drug|alcohol|chemical|opioid) (use|user|abuse|misuse|treatment|dependen\w+|addiction|counsel\w*)"),
        ("sud", r"sobriety|recovery program|rehab\w*|alcoholi\w+|narcotics? (use|treatment)|overdose"),
        ("victim.no-contact", r"protected (person|party)|petitioner"),
        ("victim", r"victim to notify|victims?|victimi[sz]\w+|abused (child|person|elder)"),
        ("victim", r"(protected|confidential) address|address (confidential|protected)"),
    ),
    Rule(
        label="juvenile", words=r"juveniles?|delinquen\w+|foster|child (welfare|protecti\w+)|family court", leaf=False
    ),
    *_rules(
        ("intel.source", r"informant|informer|confidential source|affiliation source"),
        ("intel.basis", r"reasonable suspicion|affiliation basis|intelligence basis"),
        ("intel", r"intelligence|criminal information|suspicious activity|^tip\b|wiretap|surveillance|watch ?list"),
        ("medical.mental-health", r"mental\w*|psych\w*|behavioral health|suicid\w*|self harm|counseling|therap\w+"),
        ("medical.mental-health", r"cognitive|emotional\w*|competenc\w+|insanity|involuntary commitment"),
        ("medical.crisis", r"crisis"),
        ("medical", r"medic(al|ine|ation|ations|aid|are)\w*|health\w*|physicians?|hospital\w*|nurse|clinic\w*|doctor"),
        ("medical", r"diagnos\w+|prescri\w+|patients?|treatments?|treating|allerg\w+|injur\w+|wound\w*|disab\w+"),
        ("medical", r"pregnan\w+|diseases?|illness\w*|hiv|immuniz\w+|dental|blood (type|alcohol)|disorder|impair\w+"),
        ("medical", r"(drug|alcohol|breath|urine) test\w*|toxicolog\w+|autopsy|therapeutic|special needs?|handicap\w*"),
        ("medical", r"therapy|surg\w+|symptoms?|dna|genetic|care (episode|giver|plan|provider|record)|caregivers?"),
        ("thirdparty.witness", r"witness\w*"),
        ("thirdparty.household", r"households?|cohabit\w+|roommate"),
        ("thirdparty.seen-with", r"companion|seen with|present person|passengers?|accompan\w+|accomplice|visitors?"),
        (
            "thirdparty.family",
            r"family member|relatives?|spouse|parents?(?! (organization|agency|company))|mother|father",
        ),
        ("thirdparty.family", r"guardians?|siblings?|brother|sister|children|next of kin|dependents?|maiden|familial"),
        ("thirdparty.family", r"\bchild$|child (name|person)|parent child|family (contact|relationship)"),
        ("thirdparty.reporter", r"complainants?|reporting (person|party)|reported by|callers?|plaintiffs?"),
        ("thirdparty.contact", r"emergency contact|contact person|contact entity|references? person"),
        ("thirdparty.associate", r"(known )?associates?\b(?! (degree|judge))|bystander|third party|neighbou?r|sponsor"),
        ("thirdparty.owner", r"(vehicle|property|item|weapon|firearm|registered) owner|lienholder|buyer|seller"),
        ("affiliation.seen-with", r"presence association"),
        ("affiliation", r"gangs?|affiliat\w+|security threat group|threat group|extremis\w+|terroris\w+|militia"),
        ("affiliation", r"religio\w+|politic\w+|union member\w*|clique"),
        ("investigation", r"investigat\w+|undercover|leads?$|person of interest|suspects?"),
    ),
    Rule(label="juvenile", words=r"juveniles?|delinquen\w+|minor (indicator|person)|adult", leaf=True),
)
"""In order of precedence: the first that matches anywhere on the path decides, whatever else matches."""

OFFICER = (
    r"officers?|officials?|deputy|trooper|judges?|magistrate|prosecutors?|attorneys?|defender|clerk|bailiff"
    r"|case ?(manager|worker)|agents?|examiner|technician|dispatcher|supervisor|sheriff"
    r"|warden|employee user|submitter|preparer"
)
SUBJECT = (
    r"subjects?|offenders?|arrestees?|arrested person|defendants?|inmates?|detainees?|prisoners?|probationers?"
    r"|parolees?|supervisees?|restrained (person|party)|registrants?|convicted person|booked person|crash driver"
    r"|drivers?(?! license)"
    r"|respondents?|applicants?|accused|missing person|wanted person|supervis(ed|ion) person"
    r"|(arrest|booking|custody) person"
)
PERSON = r"persons?|people|individuals?|human|entity person"

PERSON_ASPECTS = _rules(
    ("photo", r"photo\w*|images?|mugshots?|picture|binary|base 64"),
    ("biometric", r"biometric\w*|finger ?prints? (image|set|data)|palm|iris|minutia\w*|voice ?print|signature"),
    ("alias", r"alias\w*|moniker|nick ?name|alternate names?|also known|street name|aka\b"),
    ("id.ssn", r"ssn|social security"),
    ("id.fbi", r"fbi|federal identification|ucn"),
    ("id.afis", r"afis|fingerprint identification number"),
    ("id.sid", r"state fingerprint|state identification|\bsid\b|state id"),
    ("id.booking", r"booking (agency )?(record|subject|number|identif\w+)"),
    ("id.doc", r"corrections? identif\w+|inmate (id\w*|number)|offender (id\w*|number)|prisoner number"),
    ("id.license", r"driver'?s? licen[cs]e|driving|licen[cs]e identif\w+|commercial driver"),
    ("id.passport", r"passport|alien|visa|immigration|naturali[sz]\w+|uscis"),
    ("dob", r"birth dates?|\bdob\b|birth year|born|ages?( measure)?\b"),
    ("birthplace", r"birth (place|location|city|state|country)"),
    ("sex", r"sex|gender"),
    ("race", r"race|ethnic\w*"),
    ("physical", r"height|weight|eye|hair|skin|build|physical|features?|scars?|marks?|tattoos?|complexion|handed\w*"),
    ("relationship", r"relationships?"),
    ("notice", r"notif\w+|notices?|confidential"),
    ("juvenile", r"juveniles?|minor"),
    ("address", r"address\w*|streets?|postal|city|zip|residen\w+|location|geo\w*|latitude|longitude|home|county|lives"),
    ("contact", r"e ?mail|telephone\w*|phones?|contact|mobile|fax|pager|internet|instant messeng\w+|radio"),
    ("employment", r"employ\w+|occupation\w*|job|work"),
    ("education", r"education\w*|school\w*|grade"),
    ("citizenship", r"citizen\w*|nationalit\w*|country|resident"),
    ("language", r"languages?|interpreter|literacy|english"),
    ("marital", r"marital|marriage|married|divorc\w+"),
    ("military", r"military|veteran|armed forces"),
    ("financial", r"income|financial|bank|account|credit|debt|fee|payment|owed|amount"),
    ("death", r"death|deceased|decedent|died"),
    ("badge", r"badge"),
    ("unit", r"unit|organi[sz]ation\w*|agency|department|branch|district|division|ori\b"),
    ("name", r"names?|surname|given|middle|prefix|suffix|full ?name"),
    ("id.other", r"identification\w*|ids?\b|identifiers?|number"),
)
"""Of a person's value, the first match in the order of this table; looked for below the person's own step."""

MEDICAL_ASPECTS = _rules(
    ("origin", r"origin code|data origin"),
    ("provider", r"providers?|physicians?|doctor|hospital\w*|clinic\w*|nurse|facility|evaluator|therapists?|counselor"),
    ("medication", r"medications?|prescri\w+|drug name|dos(e|age)|pharmac\w+|methadone|buprenorphine"),
    ("attendance", r"attend\w+|compliance|appointment\w*|participation"),
    ("treatment", r"treat\w*|therap\w+|rehab\w*|program|counsel\w+|detox\w*"),
    ("injury", r"injur\w+|wound\w*"),
    ("diagnosis", r"diagnos\w+|disorder|disease|illness|condition\w*"),
    ("test", r"tests?\b|testing|toxicolog\w+|blood alcohol|breath|urine"),
    ("need", r"needs?\b"),
    ("patient", r"patients?|persons? (name|birth|sex|race|ssn)|surname|given name|birth date"),
)

VICTIM_SERVICES_ASPECTS = _rules(("origin", r"origin code"), ("provider", r"providers?"))

AFFILIATION_ASPECTS = _rules(
    ("origin", r"origin code"),
    ("seen-with", r"seen with|associate\w*"),
    ("belief", r"religio\w+|politic\w+|union member\w*"),
)

INVESTIGATION_ASPECTS = _rules(
    ("lead", r"leads?\b"),
    ("unit", r"units?|agency|organi[sz]ation"),
    ("number", r"number|identif\w+"),
    ("active", r"active|status|indicator|open"),
    ("officer", r"officers?|officials?|investigators?"),
    ("suspect", r"suspects?|person of interest"),
)

JUVENILE_ASPECTS = _rules(
    ("offense", r"offen\w+|charge|crime"), ("mark", r"indicator"), ("record", r"record|court|case")
)

INTEL_ASPECTS = _rules(("source", r"source"), ("basis", r"basis|suspicion"))

ASPECTS = {
    "medical": MEDICAL_ASPECTS,
    "medical.mental-health": MEDICAL_ASPECTS,
    "sud": MEDICAL_ASPECTS,
    "victim-services": VICTIM_SERVICES_ASPECTS,
    "affiliation": AFFILIATION_ASPECTS,
    "investigation": INVESTIGATION_ASPECTS,
    "juvenile": JUVENILE_ASPECTS,
    "intel": INTEL_ASPECTS,
}

DEFAULTS = {"affiliation": "group", "victim-services": "description", "juvenile": "record"}
"""What a sensitive value is called when no aspect matches; "details" for all others."""

OWN_WORDS = frozenset({"victim", "victim.no-contact", "officer", "person"})
"""Stems whose values are named by `PERSON_ASPECTS`; so are those of `thirdparty`."""

PLAIN_RULES = (
    Rule(label="message.sealed", words=r"sealed|expunge\w*|expunction", leaf=True),
    *_rules(
        ("message.head", r"^message\b|action code|system operating mode|as of date|transaction|exchange (id\w*|date)"),
        (
            "message.result",
            r"results? (metadata|status)|errors?|access denial|too many|fault|record count|denied|denial",
        ),
        ("subscription.details", r"subscri\w+|unsubscri\w+|notification (event|trigger)|triggering"),
        (
            "document.metadata",
            r"^document\b|metadata|last updated|creation date|source system|information owning|caveat",
        ),
        ("document.metadata", r"confidentiality|sensitivity|dissemination|distribution text|record (id\w*|date)"),
        ("caution.flags", r"caution\w*|warnings?|hazard\w*|alerts?|armed|dangerous"),
        ("risk.summary", r"assessment summary|risk summary"),
        ("risk.level", r"risks?|assessments?|scores?"),
        ("need.other", r"needs?"),
        ("person.id.booking", r"booking agency record"),
        ("release.from", r"release from"),
        ("location.residence", r"release to location|resid\w+|home|dwelling|lives at"),
        ("release.details", r"(?<!supervised )releases?|discharge|parole date"),
        ("sentence.remaining", r"sentence remaining"),
        ("sentence.terms", r"sentenc\w+|incarceration|community service|fine\b|restitution|term (duration|length)"),
        ("supervision.violation", r"supervision violation|violation condition|technical violation|revocation"),
        ("condition.no-contact", r"no contact|(protection|protective|restraining) order"),
        ("condition.terms", r"conditions?"),
        ("supervision.terms", r"supervis\w+|probation\w*|parole\w*"),
        ("monitoring.device", r"monitoring device"),
        ("location.zone", r"zones?|exclusion area"),
        ("location.gps", r"monitoring last|last (known )?location|current location|track points?"),
        ("monitoring.terms", r"monitor\w*|ankle"),
        ("booking.housing", r"housing|cells?\b|pod\b|bed\b|block\b"),
        ("booking.record", r"book\w+|custody|detention|jail|held|hold\b|detainer"),
        ("bail.terms", r"bail|bonds?"),
        ("warrant.details", r"warrants?"),
        ("arrest.record", r"arrest\w*|citation|apprehen\w+"),
        ("court.disposition", r"dispositions?|pleas?|verdict|adjudicat\w+|convict\w+|judgment|acquit\w+|dismiss\w+"),
        ("court.case", r"court\w*|cases?|docket|hearings?|appearance|trial|prosecution|indict\w+|filing"),
        ("offense.charge", r"offen[sc]es?|charges?|statute|crimes?|criminal|felony|misdemeanor|violations?|nibrs|ucr"),
        ("crash.details", r"crash\w*|collision|driving"),
        ("vehicle.id", r"vin\b|registration plate|vehicle identif\w+|licen[cs]e plate|plate"),
        ("vehicle.description", r"vehicles?|conveyances?|automobile|motor|boat|aircraft|hull"),
        ("weapon.details", r"weapons?|firearms?|guns?|caliber|ammunition|ballistic|gauge"),
        ("contact.narrative", r"observation|contact narrative"),
        ("location.contact", r"contact location|stop location"),
        ("contact.details", r"^contact$|contact kind|field interview|traffic stop|encounter"),
        ("incident.record", r"incidents?|event|call for service|dispatch"),
        ("employment.current", r"employ\w+|occupation|job"),
        ("education.details", r"schools?|education\w*"),
        ("property.details", r"items?|property|evidence|substances?|drugs?|seiz\w+|stolen|jewelry|securit(y|ies)"),
        ("organization.contact", r"(organization|agency|court|facility) (contact|telephone|e ?mail|address)"),
        ("organization.details", r"organi[sz]ations?|agenc(y|ies)|facilit(y|ies)|precinct|department|enforcement unit"),
        ("organization.details", r"\bori\b|branch|jurisdiction|authority"),
    ),
)
"""The match furthest down the path decides, in one name the one furthest to the right; at the same place the first."""

WEAK = frozenset({"organization", "property", "document"})
"""Plain stems that count only where nothing else on the path says more: an officer's unit is an organization too."""

LOCATION = r"location\w*|address\w*|streets?|city|postal|zip|latitude|longitude|coordinates?|geo\w*|intersection|county"
CITY = r"city|state|county|country|verified|current|start|end"
NARRATIVE = r"narratives?|comments?|remarks?|free text|notes?"

UNDER_ACTIVITY = frozenset(
    {"contact", "incident", "arrest", "booking", "offense", "court", "release", "supervision", "monitoring", "crash"}
    | {"condition", "warrant", "sentence", "bail", "organization", "employment", "property", "vehicle", "weapon"}
)
"""Plain stems whose places are `location.<stem>`; any other place is unclassified: it may be somebody's home."""
