"""Handling marks: attributes that say how data must be treated. They go with their data, listed or not.

Without its mark, secret data would look open, so an agreement cannot take a mark off what it shares: where a clause or
a law withholds the mark, its element goes too. Marks of the whole message, on its root, stay as they are; no software
computes lower ones.

NIEM 2.0 to 5.x lets any attribute of the intelligence community's namespaces stand on nearly every element,
unchecked; so what a mark is stands here as a list. What the list does not know takes its element along: it may be a
newer mark. Source: ISM.XML and NTK.XML of the Office of the Director of National Intelligence.
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


class Mark(Enum):
    """What an attribute is to its element."""

    NONE = auto()  # a field like any other
    HANDLING = auto()  # goes with the element
    CLERICAL = auto()  # who classified it, when and from what: says nothing of handling, and is left out
    UNKNOWN = auto()  # in a namespace of marks, but on no list


_HANDLING = frozenset(
    {
        "classification", "ownerProducer", "joint", "SCIcontrols", "SARIdentifier", "atomicEnergyMarkings",
        "disseminationControls", "displayOnlyTo", "FGIsourceOpen", "FGIsourceProtected", "releasableTo",
        "nonICmarkings", "nonUSControls", "declassDate", "declassEvent", "declassException",
        "excludeFromRollup", "noAggregation",
        "resourceElement", "compliesWith", "exemptFrom", "hasApproximateMarkings", "highWaterNATO", "secondBannerLine",
        "handleViaChannels", "cuiBasic", "cuiSpecified", "cuiControlledBy", "cuiDecontrolDate", "cuiDecontrolEvent",
        "DESVersion", "ISMCATCESVersion", "noticeType", "unregisteredNoticeType", "externalNotice", "access",
    }
)  # fmt: skip
_CLERICAL = frozenset(
    {
        "classifiedBy", "classificationReason", "compilationReason", "derivativelyClassifiedBy", "derivedFrom",
        "typeOfExemptedSource", "dateOfExemptedSource", "createDate", "noticeDate", "noticeReason", "noticeProseID",
        "pocType", "cuiControlledByOffice", "cuiPOC",
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
