"""ClickHouse's disk is full: events are taken as before, what is wrong is said, and all is stored once there is room."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from clickhouse.client import Client
from clickhouse.sink import stored
from pulse.errors import Unavailable
from tests import services
from tests.commanding import pulse
from tests.eventually import eventually
from tests.exact import Store, assert_exact
from tests.product import Product
from tests.traffic import send

SIZE_MB = 640
"""A service does not begin with less than 512 MB of room."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class SmallDisk:
    """A disk of its own under a folder, in memory; mounting it wants root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def mount(self) -> None:
        """Make it."""
        self.folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", self.folder], check=True)

    def unmount(self) -> None:
        """Give it up with all that is on it."""
        subprocess.run(["umount", self.folder], check=True)

    def fill(self) -> None:
        """Leave no room."""
        with self._ballast.open("wb") as out:
            eventually(lambda: self._taken(out.fileno()))

    def _taken(self, file: int) -> bool:
        """Whether all the room was taken; false where somebody else took some of it meanwhile."""
        found = os.statvfs(self.folder)
        try:
            os.posix_fallocate(file, 0, max(found.f_bavail * found.f_frsize, 1))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return False
        return True

    def clear(self) -> None:
        """Make room again."""
        self._ballast.unlink()


@pytest.fixture(scope="module")
def sent() -> set[str]:
    """The ids of all traffic of this module so far."""
    return set()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path_factory.mktemp("small") / "disk")
    disk.mount()
    yield disk
    disk.unmount()


@pytest.fixture(scope="module")
def on_small_disk(disk: SmallDisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product whose ClickHouse, and nothing else, lies on the small disk."""
    clickhouse = services.clickhouse_here(disk.folder / "clickhouse")
    product = Product.begin(tmp_path_factory.mktemp("product"), embedded=True, clickhouse=clickhouse)
    yield product
    product.end()


def _state(product: Product) -> httpx.Response:
    return httpx.get(f"{product.url('sink')}/health/ready", timeout=10)


def _store(product: Product) -> Store:
    return Store(f"{product.url('clickhouse')}/pulse")


def test_a_full_disk_delays_and_says_so_and_loses_nothing(
    on_small_disk: Product, disk: SmallDisk, sent: set[str]
) -> None:
    product = on_small_disk
    sent |= send(product, 1, 3_000).ids
    product.drained()
    disk.fill()
    before = _store(product).events()
    during = send(product, 2, 10_000, seconds=5)
    assert set(during.statuses) == {202}
    eventually(lambda: _state(product).status_code == 503, within=60)
    assert "not enough space" in _state(product).json()["checks"]["clickhouse"]
    assert _store(product).events() == before
    with closing(Client(f"{product.url('clickhouse')}/pulse")) as client:
        with pytest.raises(Unavailable, match="not enough space"):
            assert stored.read_table(client, "events") == {}
    environment = {"PULSE_CLICKHOUSE_URL": f"{product.url('clickhouse')}/pulse"}
    assert pulse(environment, "sql", "SELECT count() FROM events").stdout == f"{before}\n"
    disk.clear()
    sent |= during.ids | send(product, 3, 3_000).ids
    product.ready(within=60)
    product.drained(within=120)
    assert_exact(_store(product), sent)


def test_a_disk_that_is_full_when_everything_starts_again(
    on_small_disk: Product, disk: SmallDisk, sent: set[str]
) -> None:
    product = on_small_disk
    disk.fill()
    sent |= send(product, 4, 5_000).ids
    eventually(lambda: _state(product).status_code == 503, within=60)
    product.kill("sink", "streams")
    product.start("sink", "streams")
    sent |= send(product, 5, 5_000).ids
    eventually(lambda: "not enough space" in _state(product).json()["checks"]["clickhouse"], within=60)
    disk.clear()
    product.drained(within=120)
    assert_exact(_store(product), sent)
