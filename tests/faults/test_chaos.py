"""Random faults under load: every event answered 202 is stored once. `make chaos` is the long form."""

from collections.abc import Iterator
from itertools import islice

import pytest
from confluent_kafka.admin import AdminClient

from pulse.topics import RAW
from tests.chaos import plan
from tests.chaos.load import Load, Tally
from tests.chaos.plan import Fault, Hit, How
from tests.chaos.run import Run, begin, run
from tests.product import Product

SEED = 1
RATE = 1_000
FAULTS = 10
SECONDS = 80
REBALANCING_S = 40

pytestmark = [pytest.mark.native, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def sent() -> Tally:
    """What was sent by all tests of this module so far."""
    return Tally()


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product on three Kafka nodes, with several collectors, stream workers and sinks."""
    product = begin(tmp_path_factory.mktemp("several"))
    yield product
    product.end()


def _exact(found: Run, least: int) -> None:
    assert not found.errors, found.errors
    assert found.verdict.is_exact, str(found.verdict)
    assert found.faults >= least
    assert found.verdict.stored > 1_000


def test_members_that_go_and_come_under_load(several: Product, sent: Tally) -> None:
    names = [name for name in several.processes if name.startswith(("streams", "sink"))]
    found = run(several, plan.rebalances(SEED, names), Load(several, SEED, RATE, sent), print, until=REBALANCING_S)
    _exact(found, least=3)


def _leader(product: Product) -> str:
    """The part that leads the first partition of the raw log."""
    servers = product.environment["PULSE_KAFKA_URL"]
    found = AdminClient({"bootstrap.servers": servers}).list_topics(RAW, timeout=10)
    broker = found.brokers[found.topics[RAW].partitions[0].leader]
    at = f"{broker.host}:{broker.port}"
    return next(name for name, part in product.parts.items() if part.url == at)


def _leaders_killed(product: Product, number: int) -> Iterator[Fault]:
    """Faults that strike whichever node leads at their time."""
    for n in range(1, number + 1):
        yield Fault(n, 2, (Hit(_leader(product), How.kill, 3),))


def test_a_leader_that_is_killed_under_load_loses_nothing(several: Product, sent: Tally) -> None:
    found = run(several, _leaders_killed(several, 2), Load(several, SEED + 2, RATE, sent), print)
    _exact(found, least=2)


def test_random_faults_under_load(several: Product, sent: Tally) -> None:
    targets = [name for name in several.parts if name != "query"]
    found = run(
        several, islice(plan.faults(SEED, targets), FAULTS), Load(several, SEED + 1, RATE, sent), print, until=SECONDS
    )
    _exact(found, least=3)
