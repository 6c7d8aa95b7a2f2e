"""Agreements as people name them on the command line: a file, or the id of one that the deployment knows."""

from datetime import date
from pathlib import Path

from gateway.exchange.agreements import AgreementRefused, AgreementUnknown
from gateway.exchange.configured import Configured
from gateway.policy.mou import Mou
from gateway.policy.read import read_mou
from gateway.policy.reading import nearest


def agreement_named(word: str, configured: Configured) -> Mou:
    """The agreement in a file; or "ID", the version in force or else the latest; or "ID@2", that version.

    Raises AgreementRefused with all findings, AgreementUnknown.
    """
    file = Path(word)
    if file.is_file():
        mou, findings = read_mou(file.read_bytes(), word, {iepd.id: iepd for iepd in configured.registry})
        if mou is None:
            raise AgreementRefused(word, findings)
        return mou
    id, _, version = word.partition("@")
    in_force = [mou.version for mou in configured.in_force.mous if mou.id == id]
    known = {number: mou for (name, number), mou in configured.mous.items() if name == id}
    if version.isdecimal() and int(version) in known:
        return known[int(version)]
    if known and not version:
        return known[max(in_force or known)]
    words = sorted({name for name, _ in configured.mous})
    told = f"there is no file {word!r}, and no agreement of that id and version is known here"
    raise AgreementUnknown(f"{told}{nearest(id, words)}")


def speaks(mou: Mou, configured: Configured, today: date) -> bool:
    """Whether exactly this text decides today."""
    return any(each.digest == mou.digest and each.in_force(today) for each in configured.in_force.mous)
