"""Lag as real brokers tell it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from pulse.errors import Unavailable
from pulse.lag import Log, await_passed, total
from tests.eventually import eventually


@pytest.fixture(params=["kafka", "apache_kafka"])
def broker(request: pytest.FixtureRequest) -> str:
    """Each kind of broker."""
    address: str = request.getfixturevalue(request.param)
    return address


def test_lag_is_what_was_written_and_not_yet_committed(broker: str) -> None:
    topic, group = "lag-counted", "lag-group"
    admin = AdminClient({"bootstrap.servers": broker})
    admin.create_topics([NewTopic(topic, 2, 1)])[topic].result(30)
    log, readers = Log(broker), ((group, (topic, "lag-missing")),)
    assert eventually(lambda: log.lags(readers)), "its group coordinator may still be loading"
    assert total(log.lags(readers)) == 0
    write(broker, topic, 10)
    assert eventually(lambda: total(log.lags(readers)) == 10)
    for committed, left in ((3, 7), (9, 1), (10, 0)):
        commit(broker, group, TopicPartition(topic, 0, committed))
        assert [lag.records for lag in log.lags(readers)] == [left, 0]


def test_what_is_written_later_is_not_waited_for(broker: str) -> None:
    topic, group = "lag-passed", "lag-passing"
    admin = AdminClient({"bootstrap.servers": broker})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    log, readers = Log(broker), ((group, (topic,)),)
    assert eventually(lambda: log.lags(readers), within=20)
    write(broker, topic, 10)
    with pytest.raises(Unavailable, match="10 records were not read within 1 s"):
        await_passed(log, [readers], 1)
    with ThreadPoolExecutor(1) as pool:
        passed = pool.submit(await_passed, log, [readers], 60)
        commit(broker, group, TopicPartition(topic, 0, 5))
        time.sleep(3)
        assert not passed.done()
        write(broker, topic, 10)
        commit(broker, group, TopicPartition(topic, 0, 12))
        passed.result(60)


def test_an_absent_broker_is_said_to_be_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"Kafka at 127.0.0.1:1 does not tell its offsets"):
        Log("127.0.0.1:1").lags(timeout_s=1)


def write(broker: str, topic: str, records: int) -> None:
    """Several records in one batch."""
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 100})
    for _ in range(records):
        producer.produce(topic, b"x", partition=0)
    assert producer.flush(30) == 0


def commit(broker: str, group: str, place: TopicPartition) -> None:
    consumer = Consumer({"bootstrap.servers": broker, "group.id": group, "enable.auto.commit": False})
    eventually(lambda: consumer.commit(offsets=[place], asynchronous=False))
    consumer.close()
