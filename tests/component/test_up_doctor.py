"""`pulse doctor` asks real services."""

from pulse.diagnosis import network
from tests.eventually import eventually


def test_services_that_answer_have_nothing_wrong(kafka: str, clickhouse: str, redis_url: str) -> None:
    assert eventually(lambda: [network.kafka(kafka), network.clickhouse(clickhouse), network.redis(redis_url)]) == [
        "",
        "",
        "",
    ]


def test_services_that_are_away_are_told() -> None:
    assert network.kafka("127.0.0.1:1")
    assert "refused" in network.clickhouse("http://127.0.0.1:1/pulse")
    assert "refused" in network.redis("redis://127.0.0.1:1/0")


def test_a_wrong_password_is_told(clickhouse_url: str) -> None:
    wrong = clickhouse_url.replace("://", "://somebody:wrong@") + "/pulse"
    assert "Authentication failed" in network.clickhouse(wrong)
