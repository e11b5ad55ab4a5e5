"""Whether a service answers: one short attempt each, True or False."""

import logging
import socket
from http.client import HTTPConnection, HTTPException

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

ATTEMPT_S = 2.0

_SILENT = logging.getLogger("deploy.local.probe.kafka")
_SILENT.setLevel(logging.CRITICAL)


def http(port: int, path: str = "/", host: str = "127.0.0.1") -> bool:
    """Whether an HTTP server answers the path with 200."""
    connection = HTTPConnection(host, port, timeout=ATTEMPT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def kafka(bootstrap: str) -> bool:
    """Whether a broker of the Kafka protocol lists its brokers."""
    if not tcp(bootstrap):
        return False
    client = AdminClient({"bootstrap.servers": bootstrap, "socket.timeout.ms": 2_000}, logger=_SILENT)
    try:
        return bool(client.list_topics(timeout=ATTEMPT_S).brokers)
    except KafkaException:
        return False


def redis(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a Redis or Valkey answers PING (with anything: it may want a password)."""
    try:
        with socket.create_connection((host, port), ATTEMPT_S) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(16)
    except OSError:
        return False
    return answer.startswith((b"+PONG", b"-NOAUTH"))


def tcp(address: str) -> bool:
    """Whether something listens on the first of the addresses ``host:port,…``."""
    host, _, port = address.split(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), ATTEMPT_S).close()
    except OSError:
        return False
    return True
