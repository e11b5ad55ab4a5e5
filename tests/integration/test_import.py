"""`pulse import`: every line counted once, however often and in whatever company it is imported."""

import gzip
import re
import subprocess
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import zstandard
from msgspec import json

from tests import lifelike_log
from tests.commanding import ROOT, command, pulse, without_settings
from tests.product import Product

STATUS = re.compile(r'" (\d{3}) (?:\d+|-)(?: |$)')
DAY = re.compile(r"\[(\d\d)/(\w{3})/(\d{4}):")
MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BROKEN = (
    "not a line",
    '192.0.2.1 - - [99/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1',
    '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" two hundred',
    '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTT',
    "{}",
)


@pytest.fixture(scope="module")
def product(shared: Product) -> Product:
    """The one that others use too."""
    return shared


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of an access log of 10,000 requests."""
    path = lifelike_log.write(tmp_path_factory.mktemp("log"))
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def write(path: Path, lines: list[str]) -> Path:
    text = "".join(f"{line}\n" for line in lines).encode()
    packed = (
        gzip.compress(text) if path.suffix == ".gz" else zstandard.compress(text) if path.suffix == ".zst" else text
    )
    path.write_bytes(packed)
    return path


def bring(product: Product, *words: str | Path, **more: Any) -> Any:
    """Import, wait until all is stored, and return the summary."""
    done = pulse(product.environment, "import", "--json", *words, **more)
    product.drained()
    return json.decode(done.stdout)


def requests(product: Product) -> int:
    found: int = product.sql("SELECT count() FROM events WHERE event = 'request'")[0][0]
    return found


def test_a_log_is_counted_exactly_and_importing_it_again_changes_nothing(
    product: Product, log: list[str], tmp_path: Path
) -> None:
    file = write(tmp_path / "access.log.gz", log)
    assert len(log) == 10_000
    assert bring(product, file)["accepted"] == 10_000
    assert requests(product) == 10_000
    assert by_day(product) == Counter(day_of(line) for line in log)
    assert by_status(product) == Counter(int(STATUS.search(line)[1]) for line in log)  # type: ignore[index]

    assert bring(product, file)["accepted"] == 10_000
    assert requests(product) == 10_000

    broken = broken_among(log)
    summary = bring(product, write(tmp_path / "broken.log.zst", [line for line, _ in broken]), expect=1)
    numbers = [number for number, (_, is_broken) in enumerate(broken, 1) if is_broken]
    assert (summary["lines"], summary["accepted"], summary["refused"]) == (10_050, 10_000, 50)
    assert [each["line"] for each in summary["first_refused"]] == numbers
    assert all(each["reason"] for each in summary["first_refused"])
    assert sum(summary["reasons"].values()) == 50
    assert requests(product) == 10_000


def test_another_order_and_a_grown_file_change_nothing(product: Product, log: list[str], tmp_path: Path) -> None:
    bring(product, write(tmp_path / "whole.log", log))
    stored = requests(product)
    grown = [*log[:3_000], '192.0.2.250 - - [17/May/2015:10:05:03 +0000] "GET /grown HTTP/1.1" 200 1']
    files = [write(tmp_path / f"{name}.log", lines) for name, lines in {"b": log[5_000:], "a": log[:5_000]}.items()]
    bring(product, *files)
    assert requests(product) == stored
    bring(product, write(tmp_path / "grown.log", grown))
    assert requests(product) == stored + 1


def day_of(line: str) -> str:
    day, month, year = DAY.search(line).groups()  # type: ignore[union-attr]
    return f"{year}-{MONTHS.index(month):02}-{day}"


def by_day(product: Product) -> Counter[str]:
    rows = product.sql("SELECT toString(toDate(ts)), count() FROM events WHERE event = 'request' GROUP BY 1")
    return Counter(dict(rows))


def by_status(product: Product) -> Counter[int]:
    path = "SELECT JSONExtractInt(properties, 'status'), count() FROM events WHERE event = 'request' GROUP BY 1"
    return Counter({int(status): count for status, count in product.sql(path)})


def broken_among(log: list[str]) -> list[tuple[str, bool]]:
    """The log with 50 broken lines among it, each marked."""
    random = Random(50)
    lines = [(line, False) for line in log]
    for number in range(50):
        lines.insert(random.randrange(len(lines)), (BROKEN[number % len(BROKEN)], True))
    return lines


def test_what_the_collector_refuses_is_told_by_its_line(product: Product, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text(
        '{"event":"contract","ts":1431857103000,"visitor_id":"a"}\n'
        '{"event":"contract","ts":"never"}\n'
        "\n"
        '{"event":"contract","ts":1431857103000,"site_id":"another"}\n'
        '{"ts":1431857103000}\n'
        "not json\n"
        '{"event":"contract","ts":1431857104000,"visitor_id":"a"}\n'
    )
    rejects = tmp_path / "rejects.ndjson"
    summary = bring(product, file, "--rejects", rejects, expect=1)
    assert (summary["accepted"], summary["refused"]) == (2, 4)
    told = {line["line"]: line for line in map(json.decode, rejects.read_bytes().splitlines())}
    assert {number: line.get("field") for number, line in told.items()} == {2: "ts", 4: "site_id", 5: "event", 6: None}
    assert product.sql("SELECT count() FROM events WHERE event = 'contract'") == [[2]]


def test_csv_with_other_names_by_standard_input(product: Product) -> None:
    rows = 'event_type,timestamp_ms,user_id,url,country,plan\nsheet,1431857103000,u,"https://x.example/a,b",AT,pro\n'
    assert bring(product, "-", given=rows)["accepted"] == 1
    assert bring(product, "-", given=rows)["accepted"] == 1
    found = product.sql(
        "SELECT user_id, path, country, JSONExtractString(properties, 'plan') FROM events WHERE event = 'sheet'"
    )
    assert found == [["u", "/a,b", "AT", "pro"]]


def test_the_summary_for_people_names_the_first_refused(product: Product, tmp_path: Path) -> None:
    file = write(tmp_path / "bad.ndjson", ['{"event":"told","ts":1}', *["{"] * 30])
    said = pulse(product.environment, "import", file, expect=1).stdout.splitlines()
    assert said[0] == "1 events accepted (an id seen before counts once), 30 lines refused"
    assert len(said) == 1 + 20 + 1
    assert said[1].strip().startswith(f"{file}:2: not a JSON object")
    assert "10 more" in said[-1]


def test_a_damaged_file_is_told_after_what_could_be_read(product: Product, log: list[str], tmp_path: Path) -> None:
    file = write(tmp_path / "cut.log.gz", log)
    file.write_bytes(file.read_bytes()[:-5_000])
    done = pulse(product.environment, "import", file, expect=1)
    assert re.search(r"cut\.log\.gz cannot be read beyond line \d+: .* events were accepted\)", done.stderr)


def test_a_key_that_is_unknown_is_a_sentence(product: Product, tmp_path: Path) -> None:
    file = write(tmp_path / "one.ndjson", ['{"event":"x","ts":1}'])
    done = pulse(product.environment, "import", file, "--key", "pulse_prod_" + "x" * 32, expect=1)
    assert done.stderr.startswith("pulse: the collector answered 401")
    assert done.stderr.count("\n") == 1


def test_a_collector_that_is_away_for_a_while_loses_nothing(product: Product, log: list[str], tmp_path: Path) -> None:
    lines = [line.replace("/May/2015", "/Jun/2015") for line in log[:3_000]]
    file = write(tmp_path / "june.log", lines)
    product.stop("collector")
    gone = pulse(product.environment, "import", file, "--patience", "0", expect=1)
    assert gone.stderr.startswith("pulse: the collector does not answer at ")
    environment = {**without_settings(), **product.environment}
    waiting = subprocess.Popen(command("import", "--json", file), cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    product.start("collector")
    out, _ = waiting.communicate(timeout=120)
    assert json.decode(out)["accepted"] == 3_000
    product.drained()
    assert product.sql("SELECT count() FROM events WHERE event = 'request' AND toMonth(ts) = 6") == [[3_000]]
