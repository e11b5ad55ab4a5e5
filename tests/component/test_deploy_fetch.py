"""What is made ready of Apache Kafka ahead of need."""

import subprocess

import pytest

from deploy.local import apache_kafka, cache, class_archive, fetch
from deploy.local.java import java

pytestmark = pytest.mark.native


def test_a_server_finds_its_classes_read_already() -> None:
    assert fetch.main() == 0
    jars = apache_kafka.install(cache.folder())
    options = class_archive.options(jars)
    assert options
    only_so = [java(), "-Xshare:on", "-XX:+UseSerialGC", *options, "-cp", f"{jars}/*"]
    done = subprocess.run(
        [*only_so, "kafka.tools.StorageTool", "random-uuid"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "[warning]" not in done.stdout + done.stderr
