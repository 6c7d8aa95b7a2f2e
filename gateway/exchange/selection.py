"""Selection: which entries of the log an evidence package holds, and what else they speak of."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.audit.catalog import EntryType
from gateway.audit.verifier import signer_of
from gateway.errors import Refused
from gateway.exchange.evidence import BATCH, EntryNotInTree, entries_between
from gateway.message import DisseminationId, MessageId
from gateway.report.period import Period
from gateway.store.interface import Store
from gateway.store.log import StoredEntry

Told = Callable[[str, int, int], None]
"""Told what is being done, how far it is, and how far it goes."""

LIFE = (
    EntryType.REGISTER,
    EntryType.APPROVE,
    EntryType.WITHDRAW,
    EntryType.CHECK,
    EntryType.ACTIVATE,
    EntryType.SUSPEND,
    EntryType.END,
)
"""The life of an agreement: who approved it, and since when it was in force."""


class NothingSelected(Refused):
    """The log has no entry of what was asked for."""

    code = "export.nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a package is about: one of these, or the whole log.

    mou       id, or id@version
    messages  those of one person, as the disclosure index found them; who that is, is not said here
    """

    message: MessageId | None = None
    mou: str = ""
    period: Period | None = None
    messages: tuple[MessageId, ...] = ()

    @property
    def kind(self) -> str:
        """As the log has it."""
        if self.message is not None:
            return "message"
        if self.mou:
            return "mou"
        if self.period is not None:
            return "period"
        return "subject" if self.messages else "log"

    @property
    def words(self) -> str:
        """For people, one line."""
        if self.message is not None:
            return f"message {self.message}"
        if self.mou:
            return f"agreement {self.mou}"
        if self.period is not None:
            return f"period {self.period.words}"
        return "one person, by the disclosure index" if self.messages else "the whole log"


@dataclass(slots=True)
class Selected:
    """Places of the entries, and what they name. Ids only: the log may be long."""

    indexes: set[int] = field(default_factory=set)
    messages: dict[MessageId, None] = field(default_factory=dict)
    disseminations: set[DisseminationId] = field(default_factory=set)
    mous: set[str] = field(default_factory=set)
    laws: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)

    def take(self, index: int, body: dict[str, Any]) -> None:
        """This entry too."""
        self.indexes.add(index)
        if body["type"] == EntryType.RECEIVE:
            self.messages.setdefault(MessageId(body["message"]))
        if "cover_digest" in body:
            self.messages.setdefault(MessageId(body["message"]))
            self.disseminations.add(DisseminationId(body["dissemination"]))
        self.runs.update({body["run"]} if body["type"] == EntryType.DESTROY and "run" in body else ())
        self.mous.update({body["mou"]} if "mou_digest" in body else ())
        self.laws.update({body["laws"]} if "laws" in body else ())
        self.people |= signers_in(body)


def signers_in(body: Mapping[str, Any]) -> frozenset[str]:
    """Fingerprints of the keys that signed an entry."""
    return frozenset({signer_of(body), signer_of(body, "second_")} - {""} if "signature" in body else ())


async def select(store: Store, about: About, size: int, told: Told) -> Selected:
    """The entries under a checkpoint of this size. Raises `NothingSelected`, `EntryNotInTree`."""
    selected = Selected()
    if about.message is not None:
        await _take_message(store, selected, about.message, size)
    for message in about.messages:
        await _take_message(store, selected, message, size)
    if about.mou:
        await _take_mou(store, selected, about.mou, size, told)
    if about.period is not None:
        async for stored in _scanned(store, size, told):
            if stored.index is not None and stored.entry.at in about.period:
                selected.take(stored.index, json.loads(stored.entry.body))
    if not selected.indexes:
        raise NothingSelected(f"the log has no entries of: {about.words}")
    await _take_life(store, selected, size)
    if about.period is None:
        await _take_end(store, selected, size)
    return selected


async def _take_message(store: Store, selected: Selected, message: MessageId, size: int) -> None:
    for stored in await store.entries_of(message):
        if stored.index is None or stored.index >= size:
            raise EntryNotInTree("an entry is not under a checkpoint yet; try again in a few seconds")
        selected.take(stored.index, json.loads(stored.entry.body))


async def _take_mou(store: Store, selected: Selected, mou: str, size: int, told: Told) -> None:
    """Whatever names the agreement; of each message that went out under it, its reception and what became of those
    disseminations. What the same message gave to others under other agreements is not of this package."""
    messages: dict[MessageId, None] = {}
    async for stored in _scanned(store, size, told):
        if b'"mou"' not in stored.entry.body:
            continue
        body = json.loads(stored.entry.body)
        if stored.index is not None and is_of(body, mou):
            selected.take(stored.index, body)
            if stored.entry.message is not None:
                messages.setdefault(stored.entry.message)
    for message in messages:
        for stored in await store.entries_of(message):
            body = json.loads(stored.entry.body)
            goes = body["type"] in {EntryType.RECEIVE, EntryType.REPEAT}
            goes = goes or ("mou" not in body and body.get("dissemination") in selected.disseminations)
            if goes and stored.index is not None and stored.index < size:
                selected.take(stored.index, body)


def is_of(body: dict[str, Any], mou: str) -> bool:
    """Whether an entry names this agreement: one version of it, or any."""
    named = str(body.get("mou", ""))
    return mou in {named, named.partition("@")[0]}


async def _take_life(store: Store, selected: Selected, size: int) -> None:
    if not selected.mous:
        return
    mous, after = frozenset(selected.mous), ""
    while page := await store.entries_of_types([each.value for each in LIFE], after=after, limit=BATCH):
        for stored in page:
            body = json.loads(stored.entry.body)
            if body.get("mou") in mous and stored.index is not None and stored.index < size:
                selected.take(stored.index, body)
        after = page[-1].entry.id


async def _take_end(store: Store, selected: Selected, size: int) -> None:
    """How copies of the messages were destroyed: the runs that did it."""
    runs: set[str] = set()
    messages = list(selected.messages)
    for at in range(0, len(messages), BATCH):
        runs.update(fate.run for fate in await store.kept_of(messages[at : at + BATCH]) if fate.run)
    after = ""
    while runs and (page := await store.entries_of_types([EntryType.DESTROY.value], after=after, limit=BATCH)):
        for stored in page:
            body = json.loads(stored.entry.body)
            if body.get("run") in runs and stored.index is not None and stored.index < size:
                selected.take(stored.index, body)
        after = page[-1].entry.id


async def _scanned(store: Store, size: int, told: Told) -> AsyncIterator[StoredEntry]:
    """Every entry. Clocks step and entries are ordered seconds after they were made: no part can be left out unread."""
    done = 0
    async for batch in entries_between(store, 0, size):
        for stored in batch:
            yield stored
        done += len(batch)
        told("reading the log", done, size)
