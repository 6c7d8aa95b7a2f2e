"""A jail that never stops sending, recipients that remember everything, and an agency that empties its inbox.

The sender behaves as the interface tells one to: every message has an id of its own, and until an answer comes the
same message is sent again under the same id. Every message carries a mark, a number in a name, that all recipients may
see, so that what arrives is told apart by its content and not by the gateway's own ids.
"""

import asyncio
import hashlib
import random
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.agency import AgencyId
from gateway.message import Action
from tests.acceptance.messages import release
from tests.pretend_agency import Behavior, Mailbox, Refuse, Take, TakeAndHangUp
from tests.pretend_wire import Received

CONNECTIONS = 5
PAUSE_SECONDS = 0.12
"""Between two messages of one connection: some 30 a second in all, which leaves the processor to the gateway."""

BACKLOG_MAX = 400
"""Deliveries on their way; above it the sender waits, so that the end of a test is near its last message."""

PATIENCE_SECONDS = 30.0
RECENT = 40

UNRELIABLE = 0.03
"""Share of pushes that get no answer although they were kept, or are turned away."""

_MARK = re.compile(rb">(MARK-[0-9]{6})<")


@dataclass(frozen=True)
class Answer:
    """What the sender was told with a 202. `deliveries` by recipient."""

    message: str
    receipt: str
    deliveries: dict[str, str]
    replayed: bool


@dataclass
class Sent:
    """One message of the sender.

    unanswered   tries that got nothing
    unavailable  tries that got 503 with Retry-After
    kept         its sender will not cancel it
    """

    id: str
    mark: str
    body: bytes
    valid: bool = True
    earlier: "Sent | None" = None
    canceled: bool = False
    kept: bool = False
    tries: int = 0
    unanswered: int = 0
    unavailable: int = 0
    answers: list[Answer] = field(default_factory=list)


@dataclass(frozen=True)
class Arrival:
    """One thing that reached a recipient. `key` is what a recipient drops repeats by."""

    recipient: AgencyId
    mark: str
    key: str
    message: str
    delivery: str
    digest: str


class Recorder(Mailbox):
    """A recipient that remembers what came, in order, and is not always well."""

    def __init__(self, agency: AgencyId, came: Callable[[Arrival], None], chance: random.Random) -> None:
        super().__init__()
        self.requests = _Nothing()
        self._agency = agency
        self._came = came
        self._chance = chance

    def behavior(self) -> Behavior:
        """Mostly it takes what comes."""
        drawn = self._chance.random()
        if drawn < UNRELIABLE / 2:
            return TakeAndHangUp()
        return Refuse(503) if drawn < UNRELIABLE else Take()

    def keep(self, received: Received) -> None:
        """Remember it."""
        self._came(arrival(self._agency, received.key, received.message, received.delivery, received.payload))


class _Nothing(list[Received]):
    def append(self, _: Received) -> None:
        """Whole requests are not kept: there are thousands."""


def arrival(recipient: AgencyId, key: str, message: str, delivery: str, payload: bytes) -> Arrival:
    """What arrived, by its content."""
    found = _MARK.search(payload)
    return Arrival(
        recipient=recipient,
        mark=found[1].decode() if found else "",
        key=key,
        message=message,
        delivery=delivery,
        digest=hashlib.sha256(payload).hexdigest(),
    )


class Load:
    """The sender and the agency with the inbox, over plain HTTP, for as long as `running`.

    awaited       deliveries that were acknowledged to the sender and have not arrived, without those of messages that
                  were canceled, which may have been recalled
    acknowledged  deliveries of the inbox whose acknowledgment was answered
    trouble       what no restart explains; any of it fails the test
    """

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.sent: list[Sent] = []
        self.arrivals: list[Arrival] = []
        self.awaited: set[str] = set()
        self.arrived: set[str] = set()
        self.acknowledged: set[str] = set()
        self.checkpoints: list[bytes] = []
        self.trouble: list[str] = []
        self.chance = random.Random(seed)  # noqa: S311 - to be repeatable
        self.running = False
        self._sender: dict[str, str] = {}
        self._poller: dict[str, str] = {}
        self._inbox_of = AgencyId("nobody-yet")
        self._recent: deque[Sent] = deque(maxlen=RECENT)
        self._http: aiohttp.ClientSession | None = None
        self._senders: list[asyncio.Task[None]] = []
        self._readers: list[asyncio.Task[None]] = []

    # --- beginning and end ----------------------------------------------------------------------------------------

    def start(self, tokens: dict[AgencyId, str], *, sender: AgencyId, inbox: AgencyId) -> None:
        """Begin to send and to read."""
        self._sender = {"Authorization": f"Bearer {tokens[sender]}"}
        self._poller = {"Authorization": f"Bearer {tokens[inbox]}"}
        self._inbox_of = inbox
        self.running = True
        connector = aiohttp.TCPConnector(limit=0)
        self._http = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS))
        self._senders = [self._task(self._send_forever) for _ in range(CONNECTIONS)]
        self._readers = [self._task(self._empty_inbox_forever), self._task(self._keep_checkpoints_forever)]

    async def finish(self, seconds: float) -> None:
        """Send nothing new; back when every message has its answer."""
        self.running = False
        await asyncio.wait_for(asyncio.gather(*self._senders), seconds)

    async def close(self) -> None:
        """End everything."""
        self.running = False
        for task in (*self._senders, *self._readers):
            task.cancel()
        await asyncio.gather(*self._senders, *self._readers, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def _task(self, act: Callable[[], Any]) -> "asyncio.Task[None]":
        async def watched() -> None:
            try:
                await act()
            except Exception as error:  # noqa: BLE001 - told at the end, with all the others
                self.trouble.append(f"{type(error).__name__}: {error}")

        return asyncio.create_task(watched())

    def came(self, arrival: Arrival) -> None:
        """Something reached a recipient."""
        self.arrivals.append(arrival)
        self.arrived.add(arrival.delivery)
        self.awaited.discard(arrival.delivery)

    def keep_one(self) -> str:
        """The gateway's id of a message that was acknowledged, and that its sender will not cancel."""
        sent = next(each for each in reversed(self._recent) if not each.canceled and each.earlier is None)
        sent.kept = True
        return sent.answers[0].message

    # --- the sender -----------------------------------------------------------------------------------------------

    async def _send_forever(self) -> None:
        while self.running:
            sent = self._next()
            await self._send(sent)
            if sent.valid:
                self._recent.append(sent)
            if self.chance.random() < 0.05 and self._recent:
                await self._send(self.chance.choice(self._recent))  # a sender that did not note the answer
            await asyncio.sleep(PAUSE_SECONDS * self.chance.uniform(0.5, 1.5))
            while self.running and len(self.awaited) > BACKLOG_MAX:  # noqa: ASYNC110 - it looks, now and then
                await asyncio.sleep(0.2)

    def _next(self) -> Sent:
        number = len(self.sent) + 1
        id, mark = f"JMS-{number:06d}", f"MARK-{number:06d}"
        drawn = self.chance.random()
        new = [each for each in self._recent if not each.canceled and not each.kept and each.earlier is None]
        if drawn < 0.06:
            body = release(given=mark).replace(b"PersonSurName>", b"PersonNickName>")
            sent = Sent(id, mark, body, valid=False)
        elif drawn < 0.16 and new:
            earlier = self.chance.choice((new[0], new[-1]))  # one that has arrived, and one that is on its way
            earlier.canceled = True
            sent = Sent(id, mark, release(Action.CANCEL, earlier.id, given=mark), earlier=earlier)
        else:
            sent = Sent(id, mark, release(given=mark))
        self.sent.append(sent)
        return sent

    async def _send(self, sent: Sent) -> None:
        """Until there is an answer."""
        assert self._http is not None
        headers = self._sender | {"Idempotency-Key": sent.id, "Content-Type": "application/xml"}
        while True:
            sent.tries += 1
            try:
                async with self._http.post(f"{self.url}/v1/messages", data=sent.body, headers=headers) as response:
                    status, told = response.status, response.headers
                    body = await response.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                sent.unanswered += 1
                await asyncio.sleep(self.chance.uniform(0.02, 0.2))
                continue
            if status == 503:
                assert told["Retry-After"].isdigit()
                sent.unavailable += 1
                await asyncio.sleep(self.chance.uniform(0.1, 0.3))  # less than it asks for: the test has no time
                continue
            self._note(sent, status, body, replayed="Idempotency-Replayed" in told)
            return

    def _note(self, sent: Sent, status: int, body: dict[str, Any], *, replayed: bool) -> None:
        if status != (202 if sent.valid else 422):
            self.trouble.append(f"{sent.id} was answered {status}: {body}")
        elif sent.valid:
            deliveries = {each["agency"]: each["delivery"] for each in body["recipients"]}
            sent.answers.append(Answer(body["id"], body["receipt"], deliveries, replayed))
            if not sent.canceled:
                self.awaited |= set(deliveries.values()) - self.arrived
            if sent.earlier is not None:
                self.awaited -= set(sent.earlier.answers[0].deliveries.values())

    # --- those who read -------------------------------------------------------------------------------------------

    async def _empty_inbox_forever(self) -> None:
        while True:
            try:
                await self._empty_inbox()
            except (aiohttp.ClientError, TimeoutError, OSError):
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.1)

    async def _empty_inbox(self) -> None:
        for item in (await self._get("/v1/inbox?limit=20"))["items"]:
            id = item["delivery"]
            if id in self.acknowledged:
                self.trouble.append(f"{id} is in the inbox again after its acknowledgement was answered")
            payload = await self._get(item["payload_url"])
            if payload is None:
                continue  # withdrawn meanwhile
            self.came(arrival(self._inbox_of, id, item["message"], id, payload))
            if await self._get(f"/v1/inbox/{id}/ack", method="POST") is not None:
                self.acknowledged.add(id)

    async def _keep_checkpoints_forever(self) -> None:
        while True:
            await asyncio.sleep(1.5)
            try:
                checkpoint = await self._get("/v1/audit/checkpoint")
            except (aiohttp.ClientError, TimeoutError, OSError):
                continue
            if checkpoint:
                self.checkpoints.append(checkpoint)

    async def _get(self, path: str, *, method: str = "GET") -> Any:
        """JSON or bytes; None for what is withdrawn or not there. Raises `ClientError` when the gateway is away."""
        assert self._http is not None
        async with self._http.request(method, self.url + path, headers=self._poller) as response:
            if response.status in (404, 410):
                return None
            if response.status == 503:
                assert response.headers["Retry-After"].isdigit()
                raise aiohttp.ClientError
            body = await response.read()
            if response.status != 200:
                self.trouble.append(f"{method} {path} was answered {response.status}")
                raise aiohttp.ClientError
            return await response.json() if response.content_type == "application/json" else body

    async def state(self, sent: Sent) -> dict[str, str]:
        """State of each delivery of a message, as its sender may ask; nothing when the gateway does not know it."""
        assert self._http is not None
        async with self._http.get(f"{self.url}/v1/messages/{sent.id}", headers=self._sender) as response:
            if response.status != 200:
                return {}
            return {each["delivery"]: each["state"] for each in (await response.json())["deliveries"]}
