"""Handling marks: attributes that say how data must be treated. They go with their data, listed or not.

Without its mark, secret data would look open, so an agreement cannot take a mark off what it shares: where a clause or
a law withholds the mark, its element goes too. Marks of the whole message, on its root, stay as they are; no software
computes lower ones.

NIEM 2.0 to 5.x lets any attribute of the intelligence community's namespaces stand on nearly every element,
unchecked; so what a mark is stands here as a list, with the codes it is made of. What the list does not know takes
its element along: it may be a newer mark, or a text that no agreement shares. Source: ISM.XML and NTK.XML of the
Office of the Director of National Intelligence.
"""

import re
from enum import Enum, auto
from functools import lru_cache

from gateway.document.names import split

ISM, NTK = "urn:us:gov:ic:ism", "urn:us:gov:ic:ntk"
MARK_PREFIXES = {"ism": ISM, "ntk": NTK}
_CUI = re.compile(
    r"https?://(?:release\.niem\.gov/niem|docs\.oasis-open\.org/niemopen/ns/model)/auxiliary/cui/[\d.]+/?"
)


_CODES_MAX = 300
"""More than there are countries."""


class Mark(Enum):
    """What an attribute is to its element."""

    NONE = auto()  # a field like any other
    HANDLING = auto()  # goes with the element
    CLERICAL = auto()  # who classified it, when, from what, until what happens: without it nothing looks more open
    UNKNOWN = auto()  # in a namespace of marks, but on no list


_TRUE_OR_FALSE = "true|false|1|0"
_DATE = r"\d{4}-\d\d-\d\d(?:T[\d:.]{1,16})?(?:Z|[+-]\d\d:\d\d)?"
_COUNTRY = "[A-Z][A-Z0-9]{1,3}|UNKNOWN"
_VERSION = r"\d[\d.]{0,15}(?:-[A-Z]{1,8})?"
_CATEGORY = "(?:SP-)?[A-Z]{2,6}"
_ABBREVIATION = "[A-Z]{1,5}(?:-[A-Z]{1,5})?"

_HANDLING = {
    "classification": "U|R|C|S|TS",
    "ownerProducer": _COUNTRY,
    "joint": _TRUE_OR_FALSE,
    "SCIcontrols": "[A-Z]{2,3}(?:-[A-Z0-9]{1,6}){0,2}",
    "SARIdentifier": "(?:[A-Z]{2,5}:)?[A-Z]{2,3}(?:-[A-Z0-9]{1,6}){0,3}",
    "atomicEnergyMarkings": r"F?RD(?:-CNWDI|-SG-\d\d)?|DCNI|UCNI|TFNI",
    "disseminationControls": "RS|FOUO|OC|OC-USGOV|IMC|NF|PR|REL|RELIDO|EYES|DSEN|FISA|RAWFISA|DISPLAYONLY|LIMDIS|WAIVED"
    "|AC|AWP|DL_ONLY|FED_ONLY|FEDCON|NOCON|DCNI|UCNI",
    "displayOnlyTo": _COUNTRY,
    "FGIsourceOpen": _COUNTRY,
    "FGIsourceProtected": _COUNTRY,
    "releasableTo": _COUNTRY,
    "nonICmarkings": "ACCM-[A-Z0-9]{1,6}|NNPI|DS|XD|ND|SBU|SBU-NF|LES|LES-NF|SSI|SC|SINFO",
    "nonUSControls": "ATOMAL|BOHEMIA|BALK",
    "declassDate": _DATE,
    "declassException": r"AEA|NATO|NATO-AEA|(?:25|50|75)X\d?(?:-[A-Z0-9]{1,5}){0,2}",
    "excludeFromRollup": _TRUE_OR_FALSE,
    "noAggregation": _TRUE_OR_FALSE,
    "resourceElement": _TRUE_OR_FALSE,
    "compliesWith": r"IntelReport|ICDocument|DoD5230\.24|USGov|USIC|USDOD|OtherAuthority|USA-CUI|USA-CUI-ONLY",
    "exemptFrom": "IC_710_MANDATORY_FDR|DOD_DISTRO_STATEMENT",
    "hasApproximateMarkings": _TRUE_OR_FALSE,
    "highWaterNATO": _ABBREVIATION,
    "secondBannerLine": _ABBREVIATION,
    "handleViaChannels": _ABBREVIATION,
    "cuiBasic": _CATEGORY,
    "cuiSpecified": _CATEGORY,
    "cuiDecontrolDate": _DATE,
    "DESVersion": _VERSION,
    "ISMCATCESVersion": _VERSION,
    "noticeType": r"DoD-Dist-[A-FX]|US-Person|pre13526ORCON|[A-Z]{2,6}(?:-[A-Z]{2,5})?",
    "unregisteredNoticeType": "(?!)",  # free text: nobody can tell what it asks for
    "externalNotice": _TRUE_OR_FALSE,
    "access": "(?:[A-Z]{2,5}:)?[A-Z0-9]{1,6}",
}
"""Marks that go with their data, and the codes that each is a list of. Source: the controlled vocabularies of ISM.XML,
with room for codes of later versions where those are short."""

_FORMS = {local: re.compile(code, re.ASCII) for local, code in _HANDLING.items()}
_CLERICAL = frozenset(
    {
        "classifiedBy", "classificationReason", "compilationReason", "derivativelyClassifiedBy", "derivedFrom",
        "typeOfExemptedSource", "dateOfExemptedSource", "createDate", "noticeDate", "noticeReason", "noticeProseID",
        "pocType", "cuiControlledBy", "cuiControlledByOffice", "cuiPOC",
        "declassEvent", "cuiDecontrolEvent",
    }
)  # fmt: skip


@lru_cache(maxsize=1024)
def mark_of(name: str) -> Mark:
    """What the attribute "{namespace}local" is."""
    namespace, local = split(name)
    if namespace in {ISM, NTK}:
        if local in _HANDLING:
            return Mark.HANDLING
        return Mark.CLERICAL if local in _CLERICAL else Mark.UNKNOWN
    return Mark.HANDLING if _CUI.fullmatch(namespace) else Mark.NONE


def mark_in(name: str, value: str) -> Mark:
    """What an attribute is that no catalog has, with this value: a known mark with anything but codes is UNKNOWN.

    So is every one for controlled unclassified information: NIEM has none that is not declared.
    """
    mark = mark_of(name)
    if mark is not Mark.HANDLING:
        return mark
    form, codes = _FORMS.get(split(name)[1]), value.split()
    fits = form is not None and 0 < len(codes) <= _CODES_MAX and all(form.fullmatch(code) for code in codes)
    return mark if fits else Mark.UNKNOWN
