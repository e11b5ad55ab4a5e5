"""From a file to events with ids: the ids stay the same, whatever is done to the file."""

import gzip
import io
import re
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from pulse.event import UUID
from pulse.importing import lines, reading
from pulse.importing.line import Broken
from pulse.importing.reading import Format, Ready, format_of

SAMPLE = (Path(__file__).parents[1] / "data" / "access.log").read_bytes()
NDJSON = b'{"event":"a","ts":1}\n{"event":"b","ts":2,"event_id":"2b9ec989-0d48-5eda-9715-49beb6094ef6"}\n'


def read(content: bytes, kind: Format | None = None) -> list[Ready | Broken]:
    stream = lines.unpacked(io.BytesIO(content))
    kind = kind or format_of(lines.opening(stream))
    assert kind is not None
    return list(reading.events(lines.numbered(stream), kind))


def ids(content: bytes, kind: Format | None = None) -> list[str]:
    return [json.decode(item.body)["event_id"] for item in read(content, kind) if isinstance(item, Ready)]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (SAMPLE, Format.accesslog),
        (NDJSON, Format.ndjson),
        (b"\n\n" + NDJSON, Format.ndjson),
        (b"\xef\xbb\xbfevent_type,timestamp_ms\na,1\n", Format.csv),
        (b"broken\n" + SAMPLE, Format.accesslog),
        (b"", Format.ndjson),
        (b"hello\nworld\n", None),
    ],
)
def test_formats_are_seen_from_the_first_lines(content: bytes, kind: Format | None) -> None:
    assert format_of(lines.opening(lines.unpacked(io.BytesIO(content)))) == kind


def test_packed_files_are_unpacked() -> None:
    plain = ids(SAMPLE)
    assert ids(gzip.compress(SAMPLE)) == plain
    assert ids(gzip.compress(SAMPLE[:500]) + gzip.compress(SAMPLE[500:])) == plain
    assert ids(zstandard.compress(SAMPLE)) == plain


def test_every_line_is_an_event_of_its_own() -> None:
    found = ids(SAMPLE)
    assert len(set(found)) == len(SAMPLE.splitlines())


def test_ids_are_uuids() -> None:
    assert all(re.match(UUID, found) for found in ids(SAMPLE))


def test_an_id_of_the_events_own_stands() -> None:
    assert ids(NDJSON)[1] == "2b9ec989-0d48-5eda-9715-49beb6094ef6"


@pytest.mark.parametrize("given", [b'"event_id":null,', b""])
def test_no_id_is_made_from_the_line(given: bytes) -> None:
    line = b'{%s"event":"a","ts":1}\n' % given
    assert ids(line, Format.ndjson) == ids(line, Format.ndjson)
    assert len(set(ids(line * 3, Format.ndjson))) == 3


records = st.lists(st.sampled_from([b'{"event":"a"}\n', b'{"event":"b"}\n', b'{"event":"c"}\n']), max_size=20)


@given(records, st.randoms())
def test_another_order_gives_the_same_ids(made: list[bytes], random: object) -> None:
    other = list(made)
    random.shuffle(other)  # type: ignore[attr-defined]
    assert sorted(ids(b"".join(made), Format.ndjson)) == sorted(ids(b"".join(other), Format.ndjson))


@given(records, records)
def test_a_grown_file_keeps_its_ids(made: list[bytes], more: list[bytes]) -> None:
    before, after = ids(b"".join(made), Format.ndjson), ids(b"".join(made + more), Format.ndjson)
    assert after[: len(before)] == before
    assert len(set(after)) == len(after)


def test_values_pass_as_they_stand() -> None:
    line = b'{"event":"a","properties":{"n":123456789012345678901234567890,"f":1.10}}'
    (only,) = read(line, Format.ndjson)
    assert isinstance(only, Ready)
    assert b'{"n":123456789012345678901234567890,"f":1.10}' in only.body
    assert not only.timed


@pytest.mark.parametrize(
    "line",
    [b"[1]", b'"text"', b"{", b'{"event":"\xff"}', b"[" * 100_000, b'{"a":' * 100_000, b'{"event":"a"} more', b"\x00"],
)
def test_broken_lines_say_why(line: bytes) -> None:
    (only,) = read(line + b"\n", Format.ndjson)
    assert isinstance(only, Broken)
    assert only.reason
    assert only.number == 1


@given(st.binary())
def test_any_content_gives_events_or_reasons(content: bytes) -> None:
    for kind in Format:
        for item in reading.events(lines.numbered(lines.unpacked(io.BytesIO(b"{" + content))), kind):
            assert json.decode(item.body) if isinstance(item, Ready) else item.reason


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    content = b"x" * (3 * lines.MAX_LINE) + b"\n" + NDJSON
    found = list(lines.numbered(lines.unpacked(io.BytesIO(content))))
    assert [number for number, _ in found] == [1, 2, 3]
    assert len(found[0][1]) == lines.MAX_LINE
