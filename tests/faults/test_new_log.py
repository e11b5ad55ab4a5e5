"""A log made anew over old data: what is stored stays, what is new is added, what is repeated is known."""

import pytest

from tests.exact import Store, assert_exact
from tests.product import Product
from tests.traffic import send


@pytest.mark.slow
def test_the_embedded_log_is_new_at_each_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    product = Product.begin(tmp_path_factory.mktemp("product"), embedded=True)
    try:
        first = send(product, 1, 5_000)
        product.drained()
        product.stop("collector", "streams", "alerts", "sink", "kafka")
        product.start("kafka")
        product.prepare()
        product.start("streams", "sink", "alerts", "collector")
        product.ready()
        again, more = send(product, 1, 5_000), send(product, 2, 5_000)
        product.drained()
        assert again.ids == first.ids
        assert_exact(Store(f"{product.url('clickhouse')}/pulse"), first.ids | more.ids)
    finally:
        product.end()
