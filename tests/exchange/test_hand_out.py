"""Heads of the log for agencies that only fetch: written, remembered, entered."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from gateway.agency import AgencyId
from gateway.audit.checkpoint import unverified_checkpoint
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.evidence import EntryNotInTree
from gateway.exchange.hand_out import (
    FolderUnusable,
    hand_out,
    hand_out_by_mail,
    hand_out_to_folder,
    who_only_fetches,
)
from gateway.exchange.keep_log import keep_log
from tests.exchange.deployed import FUSION, POLICE, Deployed


async def test_who_only_fetches_is_given_a_file_and_it_is_entered(place: Deployed, tmp_path: Path) -> None:
    gateway = place.gateway
    await keep_log(gateway)
    handed = await hand_out_to_folder(gateway, tmp_path / "heads")
    assert handed is not None
    assert handed.agencies == who_only_fetches(gateway)
    assert FUSION in handed.agencies
    (file,) = (tmp_path / "heads" / FUSION).iterdir()
    assert unverified_checkpoint(file.read_bytes()).size == handed.size == int(file.stem)
    given = await gateway.store.given_heads(FUSION, 10)
    assert [(each.size, each.way) for each in given] == [(handed.size, "folder")]
    exported = [json.loads(each.entry.body) for each in await gateway.store.entries_of_types(["export"], limit=50)]
    assert {each["agency"] for each in exported if each["kind"] == "checkpoint"} == set(handed.agencies)
    assert all(each["log_size"] == handed.size for each in exported)


async def test_mail_has_somewhere_to_go(place: Deployed) -> None:
    await keep_log(place.gateway)
    handed = await hand_out(place.gateway, [POLICE], way="mail", actor="worker")
    addresses = {contact.email for contact in place.gateway.current.agencies[POLICE].contacts if contact.email}
    assert {address for _, address in handed.addresses} == addresses


class PretendMail:
    """A mail server that takes mail for all but one."""

    def __init__(self, *, refuses: str = "") -> None:
        self.refuses = refuses
        self.sent: list[tuple[str, ...]] = []

    async def give(self, note: bytes, *, size: int, to: Sequence[str], now: datetime) -> str:
        assert unverified_checkpoint(note).size == size
        self.sent.append(tuple(to))
        return "alerts.smtp-550" if self.refuses in to else ""


async def test_a_head_is_mailed_and_who_got_none_is_not_remembered(place: Deployed) -> None:
    gateway = place.gateway
    assert await hand_out_by_mail(gateway, PretendMail()) is None  # nothing is in the log yet
    await keep_log(gateway)
    agencies = gateway.current.agencies
    addresses = {
        each: [contact.email for contact in agencies[each].contacts if contact.email]
        for each in who_only_fetches(gateway)
    }
    addressed = [each for each, found in addresses.items() if found]
    assert len(addressed) > 1
    mail = PretendMail(refuses=addresses[addressed[0]][0])
    handed = await hand_out_by_mail(gateway, mail)
    assert handed is not None
    assert len(mail.sent) == len(addressed)
    assert list(handed.agencies) == addressed[1:]
    given = await gateway.store.given_heads(None, 50)
    assert sorted((each.agency, each.way) for each in given) == [(each, "mail") for each in addressed[1:]]


async def test_nobody_is_given_what_is_not_there(place: Deployed, tmp_path: Path) -> None:
    with pytest.raises(EntryNotInTree):
        await hand_out(place.gateway, [], way="file", actor="cli")
    assert await hand_out_to_folder(place.gateway, tmp_path) is None
    await keep_log(place.gateway)
    with pytest.raises(AgencyUnknown):
        await hand_out(place.gateway, [AgencyId("nobody-here")], way="file", actor="cli")


async def test_a_folder_that_cannot_be_written_is_said_and_nobody_is_remembered(
    place: Deployed, tmp_path: Path
) -> None:
    await keep_log(place.gateway)
    (tmp_path / "heads").write_text("a file is in the way")
    with pytest.raises(FolderUnusable):
        await hand_out_to_folder(place.gateway, tmp_path / "heads")
    assert await place.gateway.store.given_heads(None, 10) == ()
