"""Ports and services: free before a start, answering while Pulse runs."""

import socket
from collections.abc import Callable, Mapping
from contextlib import closing

import httpx
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from pulse import address, listening
from pulse.diagnosis.finding import Finding, missing, ok
from pulse.lag import SILENT
from pulse.settings import Settings

ATTEMPT_S = 3.0
URLS = {"kafka": "PULSE_KAFKA_URL", "clickhouse": "PULSE_CLICKHOUSE_URL", "redis": "PULSE_REDIS_URL"}
NAMES = {"kafka": "Kafka", "clickhouse": "ClickHouse", "redis": "Redis"}
PORTS_OF = {
    "kafka": ("kafka_port",),
    "clickhouse": ("clickhouse_port", "clickhouse_native_port"),
    "redis": ("redis_port",),
}
OWN_PORTS = tuple(f"{kind}_port" for kind in ("collector", "query", "live", "streams", "sink", "alerts", "delivery"))


def ports(settings: Settings, given: Mapping[str, bool], is_free: Callable[[str, int], bool]) -> list[Finding]:
    """Whether what `make up` would start finds its ports free; `given` tells which services have a URL."""
    fault = listening.fault_of(settings.host)
    if fault:
        return [
            missing("host", f"{settings.host} {fault}", "set PULSE_HOST to an address of this machine, as 127.0.0.1")
        ]
    wanted = [name for service, names in PORTS_OF.items() if not given[service] for name in names]
    taken = {name: getattr(settings, name) for name in (*wanted, *OWN_PORTS)}
    hosts = {name: settings.host if name in OWN_PORTS else "127.0.0.1" for name in taken}
    taken = {name: port for name, port in taken.items() if not is_free(hosts[name], port)}
    if not taken:
        return [ok("ports", "free")]
    return [
        missing("ports", f"{port} is taken", f"stop the program that uses it or set PULSE_{name.upper()}")
        for name, port in taken.items()
    ]


def is_free(host: str, port: int) -> bool:
    """Whether a program could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError:
            return False
    return True


def services(settings: Settings) -> list[Finding]:
    """Whether Kafka, ClickHouse and Redis answer at their addresses."""
    attempts: dict[str, Callable[[], str]] = {
        "kafka": lambda: kafka(settings.kafka_url),
        "clickhouse": lambda: clickhouse(settings.clickhouse_url.get_secret_value()),
        "redis": lambda: redis(settings.redis_url.get_secret_value()),
    }
    return [_finding(name, attempt()) for name, attempt in attempts.items()]


def kafka(url: str) -> str:
    """What is wrong with a Kafka; empty if it answers."""
    client = AdminClient({"bootstrap.servers": url, "socket.timeout.ms": int(ATTEMPT_S * 1000)}, logger=SILENT)
    try:
        return "" if client.list_topics(timeout=ATTEMPT_S).brokers else "it names no brokers"
    except KafkaException as error:
        return str(error.args[0].str())


def clickhouse(url: str) -> str:
    """What is wrong with a ClickHouse; empty if it takes the user and the password."""
    fault = address.fault_of(url)
    if fault:
        return fault
    try:
        answer = httpx.post(url.rpartition("/")[0] or url, content="SELECT 1", timeout=ATTEMPT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return str(error) or type(error).__name__
    return "" if answer.status_code == httpx.codes.OK else answer.text.strip()[:120]


def redis(url: str) -> str:
    """What is wrong with a Redis; empty if it takes a command."""
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with closing(Redis.from_url(url, socket_timeout=ATTEMPT_S, socket_connect_timeout=ATTEMPT_S)) as client:
            client.ping()
    except (RedisError, OSError, ValueError) as error:
        return str(error)
    return ""


def without_password(url: str) -> str:
    """An address that may be shown: of one that is malformed nothing before its last @."""
    before, at, rest = url.rpartition("@")
    if not at:
        return url
    scheme, separator, _ = before.partition("://")
    return f"{scheme}://{rest}" if separator else rest


def _finding(name: str, wrong: str) -> Finding:
    if not wrong:
        return ok(NAMES[name], "answers")
    return missing(NAMES[name], wrong, f"start it, or correct {URLS[name]}")
