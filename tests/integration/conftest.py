"""One product for all modules that leave it as they found it; the others have the one of `tests/conftest.py`."""

from collections.abc import Iterator

import pytest

from tests.product import Product


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A whole product, with what other modules have sent; who asks of all events names those that are its own."""
    running = Product.begin(tmp_path_factory.mktemp("shared"))
    yield running
    running.end()
