"""The schedule of tries, as the settings have it."""

from datetime import timedelta

from gateway.config import Settings
from gateway.delivery.schedule import Schedule


def schedule_of(settings: Settings) -> Schedule:
    """The schedule that the settings ask for."""
    relay = settings.relay
    return Schedule(
        wait_first=timedelta(seconds=relay.wait_seconds_first),
        wait_max=timedelta(seconds=max(relay.wait_seconds_max, relay.wait_seconds_first)),
        attempts_max=relay.attempts_max,
        budget=timedelta(hours=relay.budget_hours),
        attempt_deadline=timedelta(seconds=relay.attempt_seconds_max),
    )
