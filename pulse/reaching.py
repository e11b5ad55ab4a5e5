"""How clients of librdkafka reach Kafka."""

Setting = str | int | float | bool


def reaching(servers: str) -> dict[str, Setting]:
    """What every long-lived client is told: where Kafka is, and to try again within a second once it was away.

    A client that connects to a broker only when it needs it (librdkafka's default) tries one that is down again at
    once, whatever the backoff says, as soon as something waits for that very broker: that takes a whole core each. So
    all brokers are kept connected to.

    Topics are made by `streams.topics` alone. One that a producer made by asking for it (librdkafka's default, and
    most brokers let it) would have the broker's number of partitions and none of the topic's settings.
    """
    return {
        "bootstrap.servers": servers,
        "reconnect.backoff.max.ms": 1_000,
        "enable.sparse.connections": False,
        "allow.auto.create.topics": False,
        "log_level": 2,
    }
