"""What is told of an import that is done."""

from hypothesis import given
from hypothesis import strategies as st

from pulse.importing.notice import MOST_NAMED, name_of, notice_of
from pulse.outbound.summary import summary_of


def test_it_tells_names_without_paths_and_counts() -> None:
    told = notice_of("shop", "run", ["/home/me/old.ndjson"], 9_950, 50, 4.25, 7)
    assert (told.kind, told.site_id, told.at) == ("import.done", "shop", 7)
    assert told.data == {
        "title": "old.ndjson",
        "reason": "9,950 events accepted, 50 lines refused, in 4.2 s",
        "severity": "warning",
        "files": ["old.ndjson"],
        "accepted": 9_950,
        "refused": 50,
        "seconds": 4.25,
    }
    assert summary_of(told).title == "import.done: old.ndjson"


def test_it_is_one_notice_however_often_it_is_told() -> None:
    def made(site: str, run: str, at: int) -> str:
        return notice_of(site, run, ["a"], at, 0, 1, at).id

    assert made("shop", "run", 1) == made("shop", "run", 2)
    assert len({made("shop", "run", 1), made("blog", "run", 1), made("shop", "other", 1)}) == 3


def test_of_many_files_some_are_named() -> None:
    told = notice_of("shop", "run", [f"/logs/{n}.log" for n in range(150)], 1, 0, 0.1, 7)
    assert (told.data["title"], len(told.data["files"]), told.data["severity"]) == ("150 files", MOST_NAMED, "info")


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="/\\")))
def test_where_a_file_lies_is_never_told(path: str, name: str) -> None:
    for slash in "/\\":
        told = name_of(f"{path}{slash}{name}")
        assert not set(told) & set("/\\")
        assert told == name or not name
