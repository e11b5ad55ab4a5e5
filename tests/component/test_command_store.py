"""`pulse sql` and the rows of `pulse status`, on a real ClickHouse."""

import os
import pty
import sys
from pathlib import Path

import httpx
import pytest

from pulse.command.status import ROWS
from pulse.command.store import Store
from tests.commanding import ROOT, command, pulse, without_settings
from tests.eventually import eventually


@pytest.fixture
def environment(clickhouse: str, tmp_path: Path) -> dict[str, str]:
    return {"PULSE_CLICKHOUSE_URL": clickhouse, "PULSE_DATA": str(tmp_path)}


def test_a_query_is_answered_in_tsv_where_no_terminal_is(environment: dict[str, str]) -> None:
    assert pulse(environment, "sql", "SELECT number, 'a' FROM numbers(2);").stdout == "0\ta\n1\ta\n"


def test_parameters_are_bound(environment: dict[str, str]) -> None:
    query = "SELECT {name:String}, {count:UInt8} + 1"
    words = ("sql", query, "-p", "name=o'x; DROP=1", "--param", "count=1", "--format", "JSONCompactEachRow")
    assert pulse(environment, *words).stdout == '["o\'x; DROP=1", 2]\n'


def test_a_file_and_standard_input(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "query.sql"
    file.write_text("-- one\nSELECT 1\n;\n")
    assert pulse(environment, "sql", "-f", file).stdout == "1\n"
    assert pulse(environment, "sql", given="SELECT 2").stdout == "2\n"
    assert pulse(environment, "sql", "-", given="SELECT 3;").stdout == "3\n"


def test_the_database_is_that_of_the_settings(environment: dict[str, str], clickhouse: str) -> None:
    assert pulse(environment, "sql", "SELECT currentDatabase()").stdout.strip() == clickhouse.rpartition("/")[2]


@pytest.mark.parametrize(
    "query", ["SELEC 1", "SELECT * FROM nowhere", "SELECT throwIf(number = 900000) FROM numbers(1000000)"]
)
def test_what_clickhouse_refuses_is_a_sentence(environment: dict[str, str], query: str) -> None:
    done = pulse(environment, "sql", query, expect=1)
    assert done.stdout == ""
    assert done.stderr.startswith("pulse: ClickHouse: Code: ")
    assert done.stderr.count("\n") == 1


def test_an_answer_that_breaks_off_on_its_way_is_told_as_an_error(environment: dict[str, str]) -> None:
    query = "SELECT number, throwIf(number = 3000000) FROM numbers(4000000)"
    done = pulse(environment, "sql", query, expect=1)
    assert "Exception" not in done.stdout
    assert done.stderr.startswith("pulse: ClickHouse: Code: 395. DB::Exception: Value passed to 'throwIf'")
    assert done.stderr.count("\n") == 1


def test_a_large_answer_is_whole(environment: dict[str, str]) -> None:
    whole = pulse(environment, "sql", "SELECT number FROM numbers(2000000)").stdout
    assert whole == "".join(f"{number}\n" for number in range(2_000_000))


def test_a_clickhouse_that_is_away_is_a_sentence(environment: dict[str, str], free_port: object) -> None:
    port = free_port()  # type: ignore[operator]
    done = pulse(environment | {"PULSE_CLICKHOUSE_URL": f"http://127.0.0.1:{port}/x"}, "sql", "SELECT 1", expect=1)
    assert done.stderr.startswith(f"pulse: ClickHouse does not answer at http://127.0.0.1:{port}")
    assert done.stderr.count("\n") == 1


def test_rows_are_counted_by_table(clickhouse: str) -> None:
    url, _, database = clickhouse.rpartition("/")
    for statement in (
        f"CREATE TABLE {database}.numbers (n UInt64) ENGINE = MergeTree ORDER BY n",
        f"INSERT INTO {database}.numbers SELECT number FROM numbers(1000)",
    ):
        httpx.post(url, content=statement).raise_for_status()
    ((table, rows, size),) = Store(clickhouse).rows(ROWS.read_text(), 10)
    assert (table, int(rows)) == ("numbers", 1000)
    assert int(size) > 0


def test_a_prompt_answers_until_it_is_left(environment: dict[str, str]) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, command("sql"), {**without_settings(), **environment, "TERM": "dumb"})
    shown = bytearray()

    def shows(text: bytes) -> bool:
        shown.extend(os.read(terminal, 65_536))
        return text in shown

    eventually(lambda: shows(b"pulse> "))
    os.write(terminal, b"selec;\n")
    eventually(lambda: shows(b"UNKNOWN_IDENTIFIER"))
    os.write(terminal, b"SELECT 40 + 2\nAS answer;\n")
    eventually(lambda: shows(b"42"))
    os.write(terminal, b"exit\n")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
