"""The spool's files: bounded, in order, one process's alone; whatever lies in the folder, a start copes with it."""

import asyncio
import errno
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from api.collector.spool import folder, segment
from api.collector.spool.meters import Meters
from api.collector.spool.segment import HEADER_BYTES
from api.collector.spool.spool import MB, Place, Spool
from pulse.errors import SettingError
from pulse.spool import SUFFIX, waiting
from tests.spooling import all_of, contents, put, run

FEW = settings(max_examples=40, deadline=None)


@contextmanager
def new_folder() -> Iterator[Path]:
    with TemporaryDirectory() as made:
        yield Path(made) / "spool"


def fill(path: Path, lines: list[bytes]) -> list[int]:
    """Put lines in one by one; where each ends in the one segment."""
    ends: list[int] = []

    async def do(spool: Spool) -> None:
        for line in lines:
            assert await put(spool, line) is None
            ends.append(spool.bytes)

    run(path, do)
    return ends


def metric(registry: CollectorRegistry, name: str) -> float:
    return registry.get_sample_value(f"pulse_collector_spool_{name}") or 0.0


def segments(path: Path) -> list[Path]:
    return sorted(path.glob(f"*{SUFFIX}"))


lines_of_some_length = st.lists(
    st.binary(min_size=1, max_size=60).map(bytes.hex).map(str.encode), min_size=1, max_size=6
)


@FEW
@given(lines_of_some_length, st.data())
def test_whatever_byte_a_file_is_cut_at_the_whole_records_before_it_are_there(
    lines: list[bytes], data: st.DataObject
) -> None:
    with new_folder() as path:
        ends = fill(path, lines)
        (file,) = segments(path)
        cut = data.draw(st.integers(0, ends[-1]))
        os.truncate(file, cut)
        whole = sum(end <= cut for end in ends)
        found, registry = contents(path)
        assert found == lines[:whole]
        last = ends[whole - 1] if whole else HEADER_BYTES
        assert metric(registry, "cut_bytes_total") == (cut - last if cut >= HEADER_BYTES else cut)
        assert metric(registry, "lost_bytes_total") == 0
        assert contents(path)[0] == found, "a second start finds the same"


@FEW
@given(lines_of_some_length, st.data())
def test_whatever_byte_is_flipped_it_is_said_and_costs_one_record_at_most(
    lines: list[bytes], data: st.DataObject
) -> None:
    with new_folder() as path:
        ends = fill(path, lines)
        (file,) = segments(path)
        at = data.draw(st.integers(0, ends[-1] - 1))
        broken = bytearray(file.read_bytes())
        broken[at] ^= 1 << data.draw(st.integers(0, 7))
        file.write_bytes(broken)
        found, registry = contents(path)
        hit = next(number for number, end in enumerate(ends) if at < end)
        expected = lines[:hit] + lines[hit + 1 :] if at >= HEADER_BYTES else []
        assert found == expected
        assert metric(registry, "lost_bytes_total") + metric(registry, "cut_bytes_total") > 0


def test_a_damaged_segment_is_put_aside_and_the_others_are_there(tmp_path: Path) -> None:
    fill(tmp_path, [b"first"])
    fill(tmp_path, [b"second"])
    fill(tmp_path, [b"third"])
    middle = segments(tmp_path)[1]
    middle.write_bytes(b"x" * 100)
    found, registry = contents(tmp_path)
    assert found == [b"first", b"third"]
    assert metric(registry, "lost_bytes_total") == 100
    assert not middle.exists()
    assert middle.with_suffix(SUFFIX + folder.DAMAGED).exists()
    assert contents(tmp_path)[0] == found


def test_order_stands_over_segments_and_processes(tmp_path: Path) -> None:
    sent = [b"%d" % number for number in range(30)]
    for part in range(0, 30, 10):
        fill(tmp_path, sent[part : part + 10])
    assert contents(tmp_path)[0] == sent


@FEW
@given(st.lists(st.integers(1, 400_000), min_size=1, max_size=25), st.integers(0, 2**32))
def test_the_bound_is_kept_and_what_was_kept_stays_whole(sizes: list[int], seed: int) -> None:
    dice = random.Random(seed)

    async def do(spool: Spool) -> None:
        for size in sizes:
            line = dice.randbytes(size // 2).hex().encode()
            why = await put(spool, line)
            assert spool.bytes <= MB
            if why is None:
                kept.append(line)
            else:
                assert "the spool is full" in why
                assert spool.fault == why

    kept: list[bytes] = []
    with new_folder() as path:
        run(path, do, MB)
        assert sum(file.stat().st_size for file in segments(path)) <= MB
        assert contents(path)[0] == kept


async def test_what_the_log_has_makes_room_and_is_not_read_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MB, Meters(CollectorRegistry()))
    dice = random.Random(1)
    kept = 0
    while await put(spool, dice.randbytes(30_000).hex().encode()) is None:
        kept += 1
    assert spool.fault is not None
    stretch = await spool.read(Place())
    assert stretch is not None
    for found in stretch.found:
        spool.logged(stretch.segment, found)
    assert spool.fault is None
    assert spool.records == kept - len(stretch.found)
    assert len(await all_of(spool)) == spool.records
    await spool.close()
    again = Spool(tmp_path, MB, Meters(CollectorRegistry()))
    assert again.records == kept - len(stretch.found)
    await again.close()


def test_what_waits_can_be_told_from_outside(tmp_path: Path) -> None:
    (size,) = fill(tmp_path / "one", [b"first"])
    fill(tmp_path / "two", [b"other"])
    assert waiting(tmp_path) == 2 * size
    assert waiting(tmp_path / "none") == 0


async def test_what_cannot_be_read_just_now_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    spool = Spool(tmp_path, MB, Meters(registry))
    assert await put(spool, b"first") is None
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(segment, "read", _without_descriptors)
        with pytest.raises(OSError, match="Too many open files"):
            await spool.read(Place())
    assert [each.value for each in await all_of(spool)] == [b"first\n"]
    assert metric(registry, "lost_bytes_total") == 0
    await spool.close()


def _without_descriptors(*where: object) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


async def test_an_emptied_spool_leaves_no_file_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MB, Meters(CollectorRegistry()))
    for number in range(5):
        assert await put(spool, b"%d" % number) is None
    stretch = await spool.read(Place())
    assert stretch is not None
    for found in reversed(stretch.found):
        spool.logged(stretch.segment, found)
    assert spool.is_empty
    await spool.close()
    assert segments(tmp_path) == []


async def test_many_records_share_a_write(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    spool = Spool(tmp_path, 64 * MB, Meters(registry))
    told = await asyncio.gather(*(put(spool, b"%d" % number) for number in range(500)))
    assert set(told) == {None}
    assert metric(registry, "records_appended_total") == 500
    assert metric(registry, "sync_seconds_count") <= 2
    await spool.close()


async def test_two_processes_never_share_a_folder(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MB, Meters(CollectorRegistry()))
    with pytest.raises(SettingError, match="in use by another process"):
        Spool(tmp_path, MB, Meters(CollectorRegistry()))
    await spool.close()
    await Spool(tmp_path, MB, Meters(CollectorRegistry())).close()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match=r"PULSE_SPOOL.*Not a directory"):
        run(tmp_path / "file" / "spool", lambda _: asyncio.sleep(0))


@pytest.mark.parametrize("data", [b"", b"x", bytes(24), b"\xff" * 24])
def test_a_cursor_that_is_none_is_not_believed(tmp_path: Path, data: bytes) -> None:
    fill(tmp_path, [b"first", b"second"])
    (tmp_path / folder.CURSOR).write_bytes(data)
    assert contents(tmp_path)[0] == [b"first", b"second"]


def test_a_cursor_of_another_segment_skips_nothing(tmp_path: Path) -> None:
    fill(tmp_path, [b"first", b"second"])
    folder.write_cursor(tmp_path, 12345, 1_000_000)
    assert contents(tmp_path)[0] == [b"first", b"second"]
