"""Ending: every process does, within seconds of being asked to, though Kafka is away and its clients wait for it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from pulse import end
from tests import services
from tests.eventually import eventually
from tests.product import MODULES, Product

WITHIN_S = 12.0
"""What each takes at most, 8 seconds for the sink, on a machine that has other things to do."""
STUCK = """
import ctypes
from pulse import end
end.when_asked(lambda: print("asked", flush=True), 0.3)
mutex = ctypes.create_string_buffer(64)
print("begun", flush=True)
ctypes.CDLL(None).pthread_mutex_lock(mutex)
ctypes.CDLL(None).pthread_mutex_lock(mutex)
"""


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """Everything, on backing services of this machine."""
    made = Product.begin(tmp_path, embedded=True, clickhouse=services.clickhouse_here(tmp_path / "clickhouse"))
    yield made
    made.end()


def test_every_process_ends_in_order_though_kafka_has_died(product: Product) -> None:
    running = {name: product.parts[name].running.process for name in MODULES}  # type: ignore[attr-defined]
    product.kill("kafka")
    for process in running.values():
        process.terminate()
    eventually(lambda: all(process.poll() is not None for process in running.values()), within=WITHIN_S)
    assert {name: process.returncode for name, process in running.items()} == dict.fromkeys(MODULES, 0)


def test_who_is_asked_to_stop_while_it_waits_in_c_is_told_and_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True) as stuck:
        try:
            assert stuck.stdout
            assert stuck.stdout.readline() == "begun\n"
            began = time.monotonic()
            stuck.send_signal(signal.SIGTERM)
            assert stuck.stdout.readline() == "asked\n"
            assert stuck.wait(10) == 0
            assert time.monotonic() - began >= 0.3
        finally:
            stuck.kill()


def test_what_is_only_good_to_have_done_is_waited_for_briefly() -> None:
    never = Event()
    assert end.briefly(lambda: None)
    assert not end.briefly(never.wait, 0.1)
    never.set()
