"""A backup made by command while the gateway serves and works, and what is restored from it."""

import json
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.app import open_deployment
from gateway.audit.note import NoteKey
from gateway.exchange.evidence import verify_log
from gateway.keys.archive_lock import make_recovery_key
from gateway.message import MessageId
from tests.acceptance.caller import Caller
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import NAME, Place, until
from tests.store.postgres_server import fresh_database

PASSPHRASE = "a passphrase of the recovery key"
SENDERS = 2
BEFORE = 20


def test_a_backup_under_load_holds_all_that_was_acknowledged_before_and_restores_to_a_log_that_verifies(
    place: Place, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    pair = place.pair()
    acknowledged: list[str] = []
    stop = threading.Event()

    def send() -> None:
        caller = Caller(place.url, pair.caller.authority, token=pair.caller.token)
        while not stop.is_set():
            acknowledged.append(caller.accepted(release(), fresh_id("BACKUP"))["id"])
        caller.close()

    threads = [threading.Thread(target=send) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(acknowledged) >= BEFORE, "messages are acknowledged", 60)
        before = list(acknowledged)
        backups = tmp_path / "backups"
        backups.mkdir()
        public = make_recovery_key(tmp_path / "recovery.key", PASSPHRASE.encode())
        backup = place.start("backup", str(backups), "--json", GATEWAY_BACKUP__RECOVERY_KEY=str(public))
        assert backup.wait(120) == 0, place.log_file.read_text()[-2000:]
        during = len(acknowledged)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert during > len(before)  # it was written to all the while
    until(lambda: of_type(place, "backup") != [], "the backup is in the log", 20)
    entry = of_type(place, "backup")[-1]
    (archive,) = backups.glob("*.backup")

    with ExitStack() as stack:
        other = []
        if "postgresql" in place.database:
            other = ["--database", stack.enter_context(fresh_database(request.getfixturevalue("postgres_server")))]
        status, text = place.run(
            "restore", archive, tmp_path / "restored", *other, "--key-file", tmp_path / "recovery.key", "--json",
            GATEWAY_BACKUP_PASSPHRASE=PASSPHRASE,
        )  # fmt: skip
        assert status == 0, text
        answer = json.loads(text)
        assert answer["log_size"] == entry["log_size"]
        place.partners.do(judge(tmp_path / "restored", before, answer))


def of_type(place: Place, type: str) -> list[dict[str, object]]:
    return [json.loads(each.entry.body) for each in place.entries() if each.entry.type == type]


async def judge(directory: Path, before: list[str], answer: dict[str, object]) -> None:
    async with open_deployment(directory) as gateway:
        for id in before:
            record = await gateway.store.message(MessageId(id))
            assert record is not None
            assert gateway.payloads.open(record.original, aad=id.encode())
        key = NoteKey(gateway.keys.log_signer.name, gateway.keys.log_signer.public_bytes)
        assert (await verify_log(gateway.store, [key], origin=NAME)).verified
        assert (await gateway.store.counts()).messages == answer["messages"]
