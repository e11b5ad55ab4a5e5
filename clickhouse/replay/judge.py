"""What becomes of what was made anew: which row it stands for, what is a repetition, what stays as it is."""

from clickhouse.replay.shadow import Shadow


def judge_slice(shadow: Shadow, partition: int, begin: int, end: int) -> None:
    """Judge what was made of the records of one partition from an offset on and before another, and forget it.

    All of it lies in the table `made`, and what was refused in `refused`.
    """
    slice_: dict[str, object] = {"partition": partition, "begin": begin, "end": end}
    shadow.run("kept", **slice_)
    shadow.run("unstored", **slice_)
    before = shadow.count("rows")
    shadow.run("unread", **slice_)
    shadow.about.held_unread += shadow.count("rows") - before
    shadow.empty("made")


def judge_all(shadow: Shadow) -> None:
    """Once all slices are judged: take in what was refused then, and keep what the sink goes by."""
    about, before = shadow.about, shadow.count("rows")
    unstored = shadow.count("fresh")
    if unstored:
        shadow.run("added")
        about.added = shadow.count("rows") - before
    if about.added:
        shadow.run("repeated")
        about.duplicates += _move_out(shadow)
    about.duplicates += unstored - about.added
    shadow.run("last")
    about.held_last = shadow.count("made")
    if about.held_last:
        _take_out(shadow)
        shadow.run("these")
    shadow.drop(("made", "fresh"))


def _move_out(shadow: Shadow) -> int:
    moved = shadow.count("made")
    if moved:
        _take_out(shadow)
    shadow.empty("made")
    return moved


def _take_out(shadow: Shadow) -> None:
    shadow.run("without")
