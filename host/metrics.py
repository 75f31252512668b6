"""Figures for Prometheus. Counts are read from the store when they are asked for, so that they
survive a restart; times are measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.ports import Store, Tx
from bot.store import audit, erasures, turns

_ERASURES = "schalter_erasures_open"
_HELP = {
    _ERASURES: "Erasures of customers' data that are not done yet",
    "accepted": "Messages that were accepted",
    "answered": "Messages that were answered",
    "handed": "Messages that a person got",
    "failed": "Messages to customers that did not arrive or whose outcome is not known",
    "dead": "Messages that were given up on",
    "open": "Messages that wait for their answer",
    "unsent": "Messages to customers that wait to be sent",
}
_NOW = frozenset({"open", "unsent", "dead", "failed"})  # these also go down again
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counts and times of one bot, in a registry of their own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts = _Counts()
        self._registry = CollectorRegistry()
        self._registry.register(self._counts)
        self._seconds = Histogram(
            "schalter_turn_seconds",
            "Time of a turn by step, in seconds",
            ["step"],
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def observe(self, step: str, seconds: float) -> None:
        """Note how long a step took: fetch, freeze, ask, finish or send."""
        self._seconds.labels(step).observe(seconds)

    async def page(self) -> bytes:
        """Everything in Prometheus' text format."""
        self._counts.now = await self._store.read(counts)
        self._counts.alarms = await self._store.read(audit.alarm_counts)
        return generate_latest(self._registry)


def counts(tx: Tx) -> dict[str, int]:
    """Count messages by what became of them, and erasures that are under way."""
    row = tx.row(
        "SELECT (SELECT count(*) FROM outbox WHERE op = 'send' AND state IN ('failed', 'unknown')) "
        "AS failed, (SELECT count(*) FROM outbox WHERE op = 'send' AND state IN ('queued', "
        "'sending')) AS unsent"
    )
    return turns.counts(tx) | dict(row or {}) | {_ERASURES: erasures.open_count(tx)}


class _Counts(Collector):
    def __init__(self) -> None:
        self.now: Mapping[str, int] = {}
        self.alarms: Mapping[str, int] = {}

    def collect(self) -> Iterator[Metric]:
        for name, count in self.now.items():
            if name == _ERASURES:
                yield GaugeMetricFamily(name, _HELP[name], count)
            elif name in _NOW:
                yield GaugeMetricFamily(f"schalter_messages_{name}", _HELP[name], count)
            else:
                yield CounterMetricFamily(f"schalter_messages_{name}", _HELP[name], count)
        raised = CounterMetricFamily("schalter_alarms", "Alarms for operators", labels=["kind"])
        for kind, count in self.alarms.items():
            raised.add_metric([kind], count)
        yield raised
