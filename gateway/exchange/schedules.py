"""The schedule of tries, and how long one is its worker's, as the settings have it."""

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


def lease_of(settings: Settings) -> timedelta:
    """How long what is claimed is nobody else's. Shorter than an attempt, and two workers would send the same."""
    return timedelta(seconds=max(settings.relay.lease_seconds, 1.5 * settings.relay.attempt_seconds_max))
