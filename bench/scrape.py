"""What the sinks themselves say of the age of each event that they store."""

from collections import defaultdict
from collections.abc import Iterable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.stack import Stack

AGES = "pulse_sink_freshness_seconds_bucket"

Buckets = dict[float, float]
"""Counts by upper bound, each with all below it."""


def ages(stack: Stack) -> Buckets:
    """How old the events were when they were stored, since they were received, over all sinks that answer."""
    pages = []
    for name in stack.product.all_of("sink"):
        try:
            pages.append(stack.metrics(name))
        except httpx.HTTPError:
            continue
    return buckets(pages)


def buckets(pages: Iterable[str]) -> Buckets:
    """The histogram of some pages of metrics together."""
    found: dict[float, float] = defaultdict(float)
    for page in pages:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                if sample.name == AGES:
                    found[float(sample.labels["le"])] += sample.value
    return dict(found)


def since(before: Buckets, after: Buckets) -> Buckets:
    """What was added between two looks; nothing where a sink was started anew in between."""
    return {bound: max(count - before.get(bound, 0.0), 0.0) for bound, count in after.items()}
