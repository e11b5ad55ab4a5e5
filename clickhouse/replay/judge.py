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
    _take_in(shadow)
    shadow.run("last")
    shadow.about.held_last = shadow.count("made")
    if shadow.about.held_last:
        shadow.run("without")
        shadow.run("these")
    shadow.drop(("made", "fresh"))


def _take_in(shadow: Shadow) -> None:
    """What is stored under no id is added, and takes the place of a stored repetition; what repeats another is only counted."""
    unstored, before = shadow.count("fresh"), shadow.count("rows")
    if not unstored:
        return
    shadow.run("added")
    shadow.about.added = shadow.count("rows") - before
    shadow.about.duplicates += unstored - shadow.about.added
    if not shadow.about.added:
        return
    shadow.run("repeated")
    repeated = shadow.count("made")
    if repeated:
        shadow.run("without")
        shadow.about.duplicates += repeated
    shadow.empty("made")
