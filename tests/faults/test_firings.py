"""Alerts and deliveries are killed while rules fire: each firing is told of, once. `python -m bench firings --kills 20 --firings 200` is the long form."""

import pytest

from tests.firing import Firings
from tests.product import Product
from tests.receiving import receiving

pytestmark = [pytest.mark.native, pytest.mark.slow, pytest.mark.timeout(300)]


def test_each_firing_is_told_of_once_while_who_evaluates_and_who_delivers_are_killed(product: Product) -> None:
    with receiving({}) as receiver:
        firings = Firings(product, receiver, 20, "struck")
        firings.prepare()
        told = firings.run(0.4, kills=3)
    assert (told.missing, told.doubled, len(told.took)) == ([], [], 20)
