"""The bundle for the triennial audit: what is in it, that it is signed, that the single-file verifier accepts it."""

import csv
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.audit import verifier
from gateway.audit.note import NoteKey
from gateway.exchange.acting import NotAllowed, fingerprint
from gateway.exchange.answers.asked import Asked
from gateway.exchange.answers.triennial import Bundle, covered, triennial, weeks
from gateway.exchange.review import sign_review, week_of
from gateway.report.period import read_period
from gateway.user import UserRole
from tests.exchange.answers.story import tell
from tests.exchange.deployed import JAIL, Deployed
from tests.exchange.officers import OPERATOR, officer

MARCH = Asked(period=read_period("2026"))


async def made(place: Deployed, file: Path) -> Bundle:
    await tell(place)
    place.clock.go(days=20)
    with file.open("w+b") as opened:
        return await triennial(
            place.gateway, MARCH, opened, by=await officer(place.gateway), verifier=b"# the verifier\n"
        )


def rows(file: Path, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(file) as bundle:
        text = bundle.read(f"tables/{name}.csv").decode()
    lines = [line for line in csv.reader(io.StringIO(text)) if not line[0].startswith("#")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


async def test_it_holds_agreements_people_reviews_cryptography_retention_and_incidents(
    place: Deployed, tmp_path: Path
) -> None:
    file = tmp_path / "audit.zip"
    bundle = await made(place, file)
    assert set(bundle.tables) == {"agreements", "people", "weekly-reviews", "cryptography", "retention", "incidents"}
    assert {row["mou"] for row in rows(file, "agreements")} >= {"JAIL-PD-2026-01", "A-1"}
    people = rows(file, "people")
    assert {row["mfa"] for row in people} == {"not built"}
    assert "officer-1" in {row["user"] for row in people}
    assert {row["state"] for row in rows(file, "weekly-reviews")} == {"not reviewed"}
    assert any("OpenSSL" in row["how"] for row in rows(file, "cryptography"))
    assert [row["what"] for row in rows(file, "incidents")] == ["emergency"]
    with zipfile.ZipFile(file) as opened:
        assert "agreements/JAIL-PD-2026-01@1.yaml" in opened.namelist()
        assert b"not built" in opened.read("tables/people.html")


async def test_a_week_is_reviewed_when_reviews_of_any_days_cover_it(place: Deployed, tmp_path: Path) -> None:
    by = await officer(place.gateway)
    await tell(place)  # on a Tuesday in March
    for days in (3, 6, 7):  # whoever reviews does so when there is time
        place.clock.go(days=days)
        await sign_review(place.gateway, await week_of(place.gateway, actor=by.user), by=by)
    place.clock.go(days=10)
    file = tmp_path / "audit.zip"
    with file.open("w+b") as opened:
        await triennial(place.gateway, MARCH, opened, by=by, verifier=b"# the verifier\n")
    with zipfile.ZipFile(file) as bundle:  # the reviews it cites are signed, and may be verified with it alone
        assert f"people/{fingerprint(by.public_key)}.key" in bundle.namelist()
    told = [row["state"] for row in rows(file, "weekly-reviews")]
    assert told[:2] == ["reviewed", "reviewed"]
    assert told[2:] == ["partly reviewed", "not reviewed"]
    with zipfile.ZipFile(file) as bundle:  # no week of January, when there was no log
        assert b"weeks before are left out" in bundle.read("tables/weekly-reviews.csv")


def test_spans_cover_only_what_they_leave_no_gap_in() -> None:
    days = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 10)]
    assert covered([(days[3], days[6]), (days[0], days[3])], days[1], days[5])
    assert not covered([(days[0], days[2]), (days[3], days[6])], days[1], days[5])
    assert not covered([(days[0], days[4])], days[1], days[5])
    assert not covered([], days[1], days[5])


async def test_that_it_was_handed_out_is_a_signed_entry_over_its_digest(place: Deployed, tmp_path: Path) -> None:
    bundle = await made(place, tmp_path / "audit.zip")
    (entry,) = [each for each in await place.log() if each.get("kind") == "cjis-triennial"]
    assert (entry["type"], entry["id"], entry["digest"]) == ("export", bundle.entry, bundle.statement.digest)
    assert "signature" in entry


async def test_only_an_officer_of_the_operator_hands_it_out(place: Deployed, tmp_path: Path) -> None:
    await tell(place)
    clerk = await officer(place.gateway, OPERATOR, number=9, roles=frozenset({UserRole.OPERATOR}))
    for by in (await officer(place.gateway, JAIL), clerk):
        with pytest.raises(NotAllowed), (tmp_path / "no.zip").open("w+b") as opened:
            await triennial(place.gateway, MARCH, opened, by=by, verifier=b"")


async def test_the_single_file_verifier_accepts_it_and_finds_an_altered_table(place: Deployed, tmp_path: Path) -> None:
    file = tmp_path / "audit.zip"
    await made(place, file)
    keys = []
    for option, signer in (
        ("--key", place.gateway.keys.log_signer),
        ("--receipt-key", place.gateway.keys.receipt_signer),
    ):
        key = tmp_path / f"{option[2:]}.vkey"
        key.write_text(f"{NoteKey(signer.name, signer.public_bytes)}\n")
        keys += [option, str(key)]
    assert verifier.main([str(file), *keys]) in {0, 3}
    altered = tmp_path / "altered.zip"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(altered, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"emergency", b"emergancy") if name == "tables/incidents.csv" else data)
    assert verifier.main([str(altered), *keys]) == 1


def test_the_weeks_of_a_period_are_whole_and_over() -> None:
    period = read_period("2026-03")
    found = weeks(period, datetime(2026, 3, 20, tzinfo=UTC))
    assert [since.date().isoformat() for since, _ in found] == ["2026-03-02", "2026-03-09"]
    assert weeks(period, datetime(2026, 3, 1, tzinfo=UTC)) == []
