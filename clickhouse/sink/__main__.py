"""`python -m clickhouse.sink`: the sink as a process."""

import sys
from logging import getLogger
from threading import Event

from confluent_kafka import KafkaException
from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_when_event_set, wait_exponential
from tenacity.nap import sleep_using_event

from clickhouse.cluster import connect_shards
from clickhouse.sink.changed import Changed
from clickhouse.sink.identity import Identity
from clickhouse.sink.reader import TOPICS
from clickhouse.sink.run import Sink
from pulse import end, health, loading
from pulse import log as logging
from pulse.errors import PulseError, Unavailable
from pulse.settings import Settings, load

STOP_S = 8.0
"""Longer than others: of a log in memory that is lost, what was gathered is stored now or never."""

log = getLogger("clickhouse.sink")


def main() -> int:
    """Run until SIGTERM or SIGINT; 1 if it cannot go on and must be started anew."""
    stop = Event()
    end.when_asked(stop.set, STOP_S)
    try:
        settings = load()
        logging.configure(settings.log_level)
        _run(settings, stop)
    except (PulseError, KafkaException) as error:
        if stop.is_set() and isinstance(error, Unavailable):
            return 0
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _run(settings: Settings, stop: Event) -> None:
    identity = Identity(settings.kafka_url, TOPICS)
    changed = Changed(settings.redis_url.get_secret_value())
    sink = Sink(settings, connect_shards(settings), identity, stop, changed.note)
    page = health.serve(settings.host, settings.sink_port, sink.checks)
    patiently = Retrying(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_exponential(0.1, max=5),
        stop=stop_when_event_set(stop),
        sleep=sleep_using_event(stop),
        before_sleep=before_sleep_log(log, 30),
        reraise=True,
    )
    patiently(identity.begin)
    loading.end()
    sink.run()
    changed.close()
    page.shutdown()


if __name__ == "__main__":
    raise SystemExit(main())
