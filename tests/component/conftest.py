"""Services that component tests alone want."""

import os
from collections.abc import Iterator

import pytest

from tests import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """``postgresql://…`` of a PostgreSQL."""
    given = os.environ.get("PULSE_TEST_POSTGRES")
    if given:
        yield given
    else:
        with postgres.serving() as url:
            yield url
