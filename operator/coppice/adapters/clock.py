"""The clock of the machine."""

from datetime import UTC, datetime


class SystemClock:
    """Wall-clock time, for what is written down; durations are measured with the event loop's clock."""

    def now(self) -> datetime:
        """Now, UTC, aware."""
        return datetime.now(UTC)


def micro_time(moment: datetime) -> str:
    """A moment as Kubernetes' MicroTime, which Leases and events carry."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
