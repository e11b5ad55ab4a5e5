"""Entries of the spool: each comes back whole, or is noticed to be none; what lies around it does not matter."""

from hypothesis import given, settings
from hypothesis import strategies as st

from api.collector.decode import Incoming
from api.collector.split import split
from api.collector.spool.entry import HEAD_BYTES, MARK, Entry, _length, pack, scan, weigh
from api.collector.spool.reshare import reshare
from pulse.topics import RAW, SLOW

UNHURRIED = settings(deadline=None)

SEED = 0x1234_5678_9ABC_DEF0
ALL = 1 << 40

values = st.one_of(st.binary(max_size=300), st.just(MARK * 20), st.binary(max_size=5).map(lambda part: part * 100))
entries = st.lists(
    st.builds(
        Entry,
        st.integers(0, 65_535),
        st.integers(1, 32_767),
        st.integers(0, 10_000),
        values,
        st.sampled_from([RAW, SLOW]),
    ),
    max_size=8,
)


def packed(all_entries: list[Entry], seed: int = SEED) -> tuple[bytes, list[int]]:
    """The entries one after the other, and where each ends."""
    data, ends = b"", []
    for each in all_entries:
        data += pack(each, seed)
        ends.append(len(data))
    return data, ends


@UNHURRIED
@given(entries, st.integers(0, 10_000))
def test_what_is_packed_comes_back(all_entries: list[Entry], base: int) -> None:
    data, ends = packed(all_entries)
    scanned = scan(data, base, SEED, True, ALL)
    assert [found.entry for found in scanned.found] == all_entries
    assert [found.end - base for found in scanned.found] == ends
    assert (scanned.gaps, scanned.at) == ([], base + len(data))
    assert weigh(data, 0) == (len(all_entries), sum(each.events for each in all_entries))


@UNHURRIED
@given(entries, st.data())
def test_a_cut_at_any_byte_leaves_the_whole_entries_before_it(all_entries: list[Entry], data: st.DataObject) -> None:
    whole, ends = packed(all_entries)
    cut = data.draw(st.integers(0, len(whole)))
    before = [each for each, end in zip(all_entries, ends, strict=True) if end <= cut]
    last = ends[len(before) - 1] if before else 0
    scanned = scan(whole[:cut], 0, SEED, True, ALL)
    assert [found.entry for found in scanned.found] == before
    assert scanned.gaps == ([(last, cut)] if cut > last else [])
    assert scanned.at == cut
    more = scan(whole[:cut], 0, SEED, False, ALL)
    assert ([found.entry for found in more.found], more.gaps, more.at) == (before, [], last)


@UNHURRIED
@given(entries.filter(bool), st.data())
def test_any_flipped_bit_is_noticed_and_costs_its_entry_alone(all_entries: list[Entry], data: st.DataObject) -> None:
    whole, ends = packed(all_entries)
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    broken[at] ^= 1 << data.draw(st.integers(0, 7))
    hit = next(number for number, end in enumerate(ends) if at < end)
    scanned = scan(bytes(broken), 0, SEED, True, ALL)
    assert [found.entry for found in scanned.found] == all_entries[:hit] + all_entries[hit + 1 :]
    assert scanned.gaps == [(ends[hit - 1] if hit else 0, ends[hit])]


@UNHURRIED
@given(entries, st.binary(max_size=200), st.integers(0, 2**64 - 1))
def test_entries_of_another_segment_count_for_nothing(all_entries: list[Entry], noise: bytes, other: int) -> None:
    foreign, _ = packed(all_entries, other if other != SEED else 0)
    scanned = scan(noise + foreign, 0, SEED, True, ALL)
    assert scanned.found == []
    assert scanned.gaps == ([(0, len(noise + foreign))] if noise + foreign else [])


@UNHURRIED
@given(entries, st.integers(1, 200), st.integers(0, 2_000))
def test_reading_in_stretches_finds_what_reading_at_once_finds(
    all_entries: list[Entry], most: int, broken_at: int
) -> None:
    whole, _ = packed(all_entries)
    if broken_at < len(whole):
        whole = whole[:broken_at] + bytes([whole[broken_at] ^ 255]) + whole[broken_at + 1 :]
    heads = [at for at in range(len(whole)) if whole.startswith(MARK, at)]
    stretch = max([HEAD_BYTES, *(_length(whole, at) for at in heads)]) + 300  # what a broken head claims, too
    at, found, lost = 0, [], 0
    while at < len(whole):
        part = whole[at : at + stretch]
        scanned = scan(part, at, SEED, at + len(part) == len(whole), most)
        assert scanned.at > at
        found += [each.entry for each in scanned.found]
        lost += sum(end - start for start, end in scanned.gaps)
        at = scanned.at
    once = scan(whole, 0, SEED, True, ALL)
    assert found == [each.entry for each in once.found]
    assert lost == sum(end - start for start, end in once.gaps)


ids = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d", "ü"]))
events = st.lists(
    st.builds(
        Incoming,
        site_id=st.sampled_from(["one", "two"]),
        event=st.just("e"),
        event_id=st.uuids().map(str),
        received_at=st.just(1),
        visitor_id=ids,
        user_id=ids,
        session_id=ids,
    ),
    min_size=1,
    max_size=20,
)


@UNHURRIED
@given(events, st.integers(1, 6), st.integers(1, 6))
def test_a_record_for_another_number_of_partitions_goes_where_its_events_would_go_today(
    all_events: list[Incoming], made_for: int, has: int
) -> None:
    indexes = range(len(all_events))
    today, _ = split(all_events, indexes, has)
    before, _ = split(all_events, indexes, made_for)
    moved: dict[int, list[bytes]] = {}
    for lines in before.values():
        for partition, value in reshare(b"\n".join([*lines, b""]), has).items():
            assert value.endswith(b"\n")
            moved.setdefault(partition, []).extend(value.splitlines())
    assert {partition: sorted(lines) for partition, lines in moved.items()} == {
        partition: sorted(lines) for partition, lines in today.items()
    }
