"""`pulse tail`: events as they arrive."""

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from logging import CRITICAL, getLogger
from typing import Annotated, Any
from uuid import uuid4

import typer
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from pulse.command import option, situation
from pulse.command.store import Store
from pulse.errors import PulseError, QueryError, Unavailable
from pulse.reaching import reaching
from pulse.topics import EVENTS

Site = Annotated[str | None, typer.Option(help="Only this site's.")]
Name = Annotated[str | None, typer.Option("--event", help="Only events of this name.")]
Count = Annotated[int | None, typer.Option("--count", "-n", min=1, help="Stop after so many.")]

QUIET = getLogger("pulse.tail.kafka")
QUIET.setLevel(CRITICAL)
ANSWER_S = 5


class Seen(Struct):
    """What is shown of a refined event."""

    event: str = ""
    ts: int = 0
    site_id: str = ""
    visitor_id: str | None = None
    url: str | None = None
    country: str | None = None
    device_type: str | None = None
    browser: str | None = None
    revenue: float | None = None
    currency: str | None = None
    bot: bool = False


_decode = Decoder(Seen).decode


def tail(site: Site = None, event: Name = None, count: Count = None, as_json: option.AsJson = False) -> None:
    """Show events as they arrive, a line each, until Ctrl-C."""
    shown, at = 0, situation.settings()
    if site:
        with suppress(Unavailable, QueryError):  # without the store events can be shown nevertheless
            Store(at.clickhouse_url.get_secret_value()).demand_site(site, ANSWER_S)
    for line in _lines(at.kafka_url):
        try:
            seen = _decode(line)
        except DecodeError:
            continue
        if (site and seen.site_id != site) or (event and seen.event != event):
            continue
        typer.echo(line if as_json else told(seen))
        shown += 1
        if shown == count:
            return


def told(seen: Seen) -> str:
    """An event in a line: when, whose, what, who, where."""
    at = datetime.fromtimestamp(seen.ts / 1000, UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    money = f"{seen.revenue:g} {seen.currency or ''}" if seen.revenue is not None else ""
    parts = (
        at,
        f"{seen.site_id:<10}",
        f"{seen.event:<14}",
        f"{(seen.visitor_id or '-')[:12]:<12}",
        f"{seen.country or '--':<2}",
        f"{seen.device_type or '-':<8}",
        seen.url or "",
        money,
        "bot" if seen.bot else "",
    )
    # what a visitor sent must not steer the terminal
    return "".join(c if c.isprintable() else "�" for c in "  ".join(part for part in parts if part))


def _lines(kafka_url: str) -> Iterator[bytes]:
    """The lines of the records that come from now on."""
    config: dict[str, Any] = {
        **reaching(kafka_url),
        "group.id": f"pulse-tail-{uuid4()}",
        "enable.auto.commit": False,
        "auto.offset.reset": "latest",
        "fetch.wait.max.ms": 50,
    }
    with closing(Consumer(config, logger=QUIET)) as consumer:
        consumer.assign(_ends(consumer, kafka_url))
        while True:
            message = consumer.poll(0.5)
            if message is None:
                continue
            error = message.error()
            if error is not None and (error.fatal() or error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART):
                raise PulseError(f"Kafka at {kafka_url} gives no events: {error.str()}")
            if error is None:
                yield from (message.value() or b"").splitlines()


def _ends(consumer: Consumer, kafka_url: str) -> list[TopicPartition]:
    try:
        topic = consumer.list_topics(EVENTS, timeout=ANSWER_S).topics[EVENTS]
        if topic.error is not None:
            raise PulseError(f"Kafka at {kafka_url} has no topic {EVENTS}: run `pulse migrate`")
        parts = [TopicPartition(EVENTS, number) for number in topic.partitions]
        for part in parts:
            part.offset = consumer.get_watermark_offsets(part, timeout=ANSWER_S)[1]
    except KafkaException as why:
        raise Unavailable(
            f"Kafka does not answer at {kafka_url} ({why.args[0].str()}); `pulse status` tells what runs, PULSE_KAFKA_URL where it is"
        ) from None
    return parts
