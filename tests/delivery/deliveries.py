"""Deliveries to decide about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.agency import AgencyId
from gateway.delivery.delivery import Delivery, State
from gateway.message import DeliveryId, DisseminationId, MessageId

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def delivery(**changes: object) -> Delivery:
    """A delivery to Millbrook police that a worker has claimed for the first time."""
    made = Delivery(
        id=DeliveryId("0195-delivery"),
        dissemination=DisseminationId("0195-dissemination"),
        message=MessageId("0195-message"),
        first=MessageId("0195-message"),
        recipient=AgencyId("millbrook-police"),
        state=State.SENDING,
        urgent=False,
        created_at=NOON,
        due_at=NOON,
        expires_at=NOON + timedelta(hours=72),
        attempts=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
