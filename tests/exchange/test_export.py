"""Evidence packages: what is in one, who may hand it out, and that nothing leaves without its entry in the log."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gateway.audit import verifier
from gateway.audit.checkpoint import unverified_checkpoint
from gateway.audit.note import NoteKey
from gateway.errors import Refused
from gateway.exchange.acting import Acting, NotAllowed
from gateway.exchange.evidence import EntryNotInTree
from gateway.exchange.export import Exported, PersonNeeded, RevealReason, export
from gateway.exchange.keep_log import keep_log
from gateway.exchange.package import laws_under, runs
from gateway.exchange.rotate_log_key import rotate_log_key
from gateway.exchange.selection import About, NothingSelected
from gateway.exchange.sequence import sequence
from gateway.message import MessageId
from gateway.report.period import read_period
from gateway.store.configuration import Law
from gateway.store.interface import StoreUnavailable
from gateway.store.witness import HeldCosignature
from gateway.user import UserRole
from tests.exchange.deployed import JAIL, NAME, POLICE, PROBATION, Deployed, release, sample
from tests.exchange.officers import officer
from tests.exchange.tampered import Signer

OFFICER = frozenset({UserRole.PRIVACY_OFFICER})
SOURCE = Path(verifier.__file__).read_bytes()


async def ordered(place: Deployed) -> None:
    await sequence(place.gateway.store, place.gateway.keys.log_signer, origin=NAME)


async def person(place: Deployed) -> Acting:
    by = await officer(place.gateway, roles=OFFICER)
    await ordered(place)
    return by


async def sent(place: Deployed, body: bytes = b"") -> MessageId:
    accepted = await place.accept(body or sample("fullest"))
    await ordered(place)
    return accepted.id


async def package(place: Deployed, about: About, **more: Any) -> tuple[Exported, bytes]:
    file = io.BytesIO()
    more = {"verifier": SOURCE, "by": more["by"] if "by" in more else await person(place)} | more
    return await export(place.gateway, about, file, **more), file.getvalue()


def keys(place: Deployed) -> list[str]:
    """What an outsider was given by hand."""
    log, receipts = place.gateway.keys.log_signer, place.gateway.keys.receipt_signer
    authority = place.directory / "authority.pem"
    authority.write_bytes(place.authority.certificate_pem)
    words = ["--key", str(NoteKey(log.name, log.public_bytes))]
    words += ["--receipt-key", str(NoteKey(receipts.name, receipts.public_bytes))]
    return [*words, "--authority", str(authority)]


def checked(place: Deployed, data: bytes, *words: str) -> dict[str, Any]:
    """What the verifier says, alone in a process of its own: that it knows nothing of the gateway."""
    file, alone = place.directory / "evidence.zip", place.directory / "verifier.py"
    file.write_bytes(data)
    alone.write_bytes(files(data)["verifier.py"])
    command = [sys.executable, "-I", str(alone), str(file), *(words or keys(place)), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=place.directory)
    assert run.stderr == ""
    found: dict[str, Any] = json.loads(run.stdout)
    assert found["passed"] == (run.returncode == 0)
    return {
        check["name"]: check["text"] if check["passed"] else check
        for check in found["checks"]
        if check["passed"] is not None
    }


def files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def entries(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(json.loads(line)["body"]) for line in files(data)["entries.jsonl"].splitlines()]


async def test_a_message_with_all_it_speaks_of_is_verified_by_the_verifier_alone(place: Deployed) -> None:
    message = await sent(place)
    made, data = await package(place, About(message=message))
    found = checked(place, data)
    assert not [check for check in found.values() if not isinstance(check, str)]
    assert set(found) == {
        "key",
        "form",
        "files",
        "statement",
        "checkpoint",
        "inclusion",
        "order",
        "covers",
        "certificates",
        "receipts",
        "agreements",
        "laws",
        "acts",
    }
    assert found["covers"].startswith(f"{made.covers} Covers")
    assert made.covers == 4
    assert {"receive", "disseminate", "approve", "activate"} <= {each["type"] for each in entries(data)}


async def test_a_package_holds_no_content_and_no_name(place: Deployed) -> None:
    _, data = await package(place, About(message=await sent(place, release(given="Zebulon"))))
    assert not any(b"Zebulon" in content for content in files(data).values())
    assert not any(name.startswith("payloads/") for name in files(data))


async def test_revealed_contents_open_the_commitments_and_each_reading_is_logged(place: Deployed) -> None:
    message = await sent(place, release(given="Zebulon"))
    made, data = await package(place, About(message=message), reveal=RevealReason.COURT_ORDER)
    found = checked(place, data)
    assert found["payloads"].startswith(f"{made.contents} contents")
    assert any(b"Zebulon" in content for name, content in files(data).items() if name.startswith("payloads/"))
    read, exported = (await place.log())[-2:]
    assert (read["type"], read["kind"], read["reason"], read["message"]) == ("read", "evidence", "court-order", message)
    assert (exported["type"], exported["reason"], exported["actor"]) == ("export", "court-order", read["actor"])


async def test_the_export_is_an_entry_signed_for_the_very_package(place: Deployed) -> None:
    made, data = await package(place, About(message=await sent(place)))
    entry = (await place.log())[-1]
    assert (entry["type"], entry["kind"], entry["id"]) == ("export", "message", made.entry)
    assert entry["digest"] == made.statement.digest
    assert made.statement.text.encode() in files(data)["statement"]
    assert entry["signature"]


async def test_an_agreement_s_package_has_what_went_under_it_and_nothing_else(place: Deployed) -> None:
    await sent(place)
    under = next(each["mou"] for each in await place.log() if each.get("recipient") == POLICE)
    _, data = await package(place, About(mou=under.partition("@")[0]))
    assert {each["mou"] for each in entries(data) if "mou" in each} == {under}
    parties = {each["recipient"] for each in await place.log() if each.get("mou") == under and "recipient" in each}
    assert {each["recipient"] for each in entries(data) if "recipient" in each} == parties
    assert PROBATION not in parties
    assert not [check for check in checked(place, data).values() if not isinstance(check, str)]
    assert {each["mou"] for each in entries((await package(place, About(mou=under)))[1]) if "mou" in each} == {under}


async def test_a_period_s_package_has_its_entries(place: Deployed) -> None:
    first = await sent(place, release(given="Abel"))
    place.clock.go(days=3)
    second = await sent(place, release(given="Cain"))
    day = str(place.clock.moment.date())
    _, data = await package(place, About(period=read_period(day)))
    messages = {each["message"] for each in entries(data) if "message" in each}
    assert second in messages
    assert first not in messages
    assert not [check for check in checked(place, data).values() if not isinstance(check, str)]


async def test_the_whole_log_needs_no_person_and_is_held_against_an_earlier_head(place: Deployed) -> None:
    await ordered(place)
    kept = place.directory / "kept"
    kept.write_bytes(await place.gateway.store.checkpoint() or b"")
    await sent(place)
    made, data = await package(place, About(), by=None)
    found = checked(place, data, *keys(place), "--earlier", str(kept))
    assert found["consistency"].startswith("goes on from")
    assert found["entries"].startswith(f"{made.entries} entries read")
    assert (await place.log())[-1]["kind"] == "log"


async def test_covers_leave_only_with_a_person_who_signs(place: Deployed) -> None:
    message = await sent(place)
    with pytest.raises(PersonNeeded):
        await package(place, About(message=message), by=None)
    assert (await place.log())[-1]["type"] != "export"


async def test_an_officer_of_an_agency_hands_out_what_is_of_its_own_messages(place: Deployed) -> None:
    message = await sent(place)
    jail, police = [await officer(place.gateway, each, roles=OFFICER) for each in (JAIL, POLICE)]
    await ordered(place)
    await package(place, About(message=message), by=jail)
    with pytest.raises(NotAllowed):
        await package(place, About(message=message), by=police)
    with pytest.raises(NotAllowed):
        await package(place, About(period=read_period("2026")), by=jail)


async def test_what_is_not_there_and_what_is_not_yet_ordered(place: Deployed) -> None:
    with pytest.raises(NothingSelected):
        await package(place, About(message=MessageId("019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d")))
    by = await person(place)
    waiting = (await place.accept(sample("smallest"))).id
    with pytest.raises(EntryNotInTree):
        await export(place.gateway, About(message=waiting), io.BytesIO(), verifier=SOURCE, by=by)


async def test_the_same_log_gives_the_same_bytes(place: Deployed) -> None:
    about, by = About(message=await sent(place)), await person(place)
    first, second = (await package(place, about, by=by))[1], (await package(place, about, by=by))[1]
    assert first == second
    place.clock.go(seconds=5)
    later = files((await package(place, about, by=by))[1])
    differing = {name for name, content in files(first).items() if later[name] != content}
    assert differing == {"README.txt", "README.html", "files.txt", "statement"}


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("reveal", [None, RevealReason.AUDIT])
async def test_no_package_when_its_entry_cannot_be_written(
    place: Deployed, monkeypatch: pytest.MonkeyPatch, stored: bool, reveal: RevealReason | None
) -> None:
    message = await sent(place)
    by = await person(place)
    record = place.gateway.store.record

    async def failing(entries: Any) -> None:
        if stored:
            await record(entries)
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(place.gateway.store, "record", failing)
    opened: list[Any] = []
    monkeypatch.setattr(place.gateway.payloads, "open", lambda *_, **__: opened.append(1))
    with pytest.raises(StoreUnavailable):
        await package(place, About(message=message), by=by, reveal=reveal)
    assert not opened  # nothing is read before the log says that it is


async def test_destroyed_contents_are_said_to_be_so(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    message = await sent(place)

    class Gone(Refused):
        code = "key.destroyed"

    def destroyed(*_: Any, **__: Any) -> bytes:
        raise Gone("its time was up")

    monkeypatch.setattr(place.gateway.payloads, "open", destroyed)
    made, data = await package(place, About(message=message), reveal=RevealReason.AUDIT)
    assert made.contents == 0
    assert made.lacking == ("4 contents are destroyed",)
    assert "4 contents are destroyed" in files(data)["README.txt"].decode()


async def test_the_cover_page_says_what_happened_and_what_is_not_proved(place: Deployed) -> None:
    message = await sent(place)
    content = files((await package(place, About(message=message)))[1])
    text, page = content["README.txt"].decode(), content["README.html"].decode()
    for part in (message, "released to millbrook-police under", "What it does not prove", "--receipt-key"):
        assert part in text
        assert part in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_neighbors_are_read_together() -> None:
    assert list(runs([])) == []
    assert list(runs([3])) == [(3, 1)]
    assert list(runs([0, 1, 2, 5, 7, 8])) == [(0, 3), (5, 1), (7, 2)]
    assert list(runs(list(range(2000)))) == [(0, 1024), (1024, 976)]


async def test_the_laws_of_a_decision_are_put_together_again(place: Deployed) -> None:
    stored, laws = await place.gateway.store.configuration(), place.gateway.current.laws
    found = laws_under(stored.laws, laws.named, laws.digest)
    assert found is not None
    assert {law.id for law in found} == laws.ids
    newer = Law(id=found[0].id, version=99, digest="sha-256:" + "0" * 64, body=b"", changed_at=place.clock.now())
    assert laws_under((*stored.laws, newer), laws.named, laws.digest) == found
    assert laws_under(stored.laws, laws.named, "sha-256:" + "0" * 64) is None


async def countersigned(place: Deployed, partner: Signer) -> int:
    """The newest head, countersigned by a partner; its size."""
    note = (await place.gateway.store.checkpoint() or b"").decode()
    line = partner.cosigned(note).removeprefix(note)
    held = HeldCosignature(
        size=unverified_checkpoint(note).size, agency=POLICE, cosigner=partner.name, at=place.clock.now(), line=line
    )
    await place.gateway.store.add_cosignatures([held])
    return held.size


async def test_a_package_stands_under_the_newest_head_that_a_partner_countersigned(place: Deployed) -> None:
    partner, message = Signer("police.example/witness"), await sent(place)
    await person(place)
    size = await countersigned(place, partner)
    later = await sent(place, release(given="Abel"))
    witness = ("--witness", partner.cosigner_key, "--witnesses", "1")
    made, data = await package(place, About(message=message))
    assert made.statement.size == size
    assert checked(place, data, *keys(place), *witness)["countersignatures"].startswith("countersigned by police")
    assert "police.example/witness" in files(data)["README.txt"].decode()
    # What came after it can only stand under a newer one.
    made, data = await package(place, About(message=later))
    assert made.statement.size > size
    assert checked(place, data, *keys(place), *witness)["countersignatures"]["passed"] is False


async def test_the_whole_log_goes_on_from_what_partners_countersigned(place: Deployed) -> None:
    partner = Signer("police.example/witness")
    await sent(place)
    size = await countersigned(place, partner)
    await sent(place, release(given="Abel"))
    _, data = await package(place, About(), by=None)
    found = checked(place, data, *keys(place), "--witness", partner.cosigner_key, "--witnesses", "1")
    assert found["consistency"] == f"goes on from {size} entries"
    assert found["countersignatures"].endswith(f"over {size} entries")


async def test_a_log_that_changed_its_key_is_followed_from_the_key_given_years_ago(place: Deployed) -> None:
    first, person_now, by_hand = await sent(place), await person(place), keys(place)
    admin = await officer(place.gateway, number=7, roles=frozenset({UserRole.ADMINISTRATOR}))
    await rotate_log_key(place.gateway, by=admin, reason="scheduled")
    await keep_log(place.gateway)
    for about, by in ((About(message=first), person_now), (About(), None)):
        _, data = await package(place, about, by=by)
        assert "took over" in checked(place, data, *by_hand)["key rotation"]
        assert checked(place, data, *by_hand)["checkpoint"].endswith("signed by gateway.test")
        assert not [check for check in checked(place, data, *keys(place)).values() if not isinstance(check, str)]
