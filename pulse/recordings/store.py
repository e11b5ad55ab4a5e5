"""Objects by name: a folder, memory, or a bucket of S3, Google Cloud Storage or Azure, all behind the same five calls."""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from shutil import disk_usage
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from pulse.errors import NotFound, SettingError, TooCostly, Unavailable
from pulse.settings import Settings

FOLDER = "folder"
"""What the setting says for a folder in the data folder."""
DELETED_AT_ONCE = 1_000
LEAST_FREE = 1_000_000_000
"""Bytes that recordings leave of a folder's disk, or its twentieth where that is less: the log and the tables may lie there."""
REACH: dict[str, Any] = {
    "client_options": {"connect_timeout": "5s", "timeout": "15s"},
    "retry_config": {"max_retries": 2, "retry_timeout": timedelta(seconds=15)},
}
"""How long a bucket is tried; who writes tries again, who reads is told."""


SMALLER = "ask for fewer sessions, for those of earlier days (`before`), or for one by its id"


class Named(NamedTuple):
    """An object that is there."""

    name: str
    size: int


class Objects:
    """A store of objects. Each call raises Unavailable where the store does not answer."""

    def __init__(self, store: ObjectStore, least_free: int = LEAST_FREE) -> None:
        self._store, self._least_free = store, least_free
        self.folder: Path | None = store.prefix if isinstance(store, LocalStore) else None
        """Where it is a folder, that folder."""

    def within(self, seconds: float) -> "Objects":
        """The same store, of which each call raises TooCostly once that time has passed."""
        return _Within(self._store, time.monotonic() + seconds, seconds)

    def put(self, name: str, content: bytes) -> None:
        """Store an object as a whole, in the place of one of the same name."""
        self._demand_room()
        try:
            obstore.put(self._store, name, content)
        except (BaseError, OSError) as error:
            raise _away(error) from None

    def put_once(self, name: str, content: bytes) -> bool:
        """Store an object unless there is one of the same name; whether it was stored."""
        self._demand_room()
        try:
            obstore.put(self._store, name, content, mode="create")
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as error:
            raise _away(error) from None
        return True

    def get(self, name: str) -> bytes:
        """An object's content; raises NotFound."""
        self._demand()
        try:
            return bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            raise NotFound(f"there is no object {name!r}") from None
        except (BaseError, OSError) as error:
            raise _away(error) from None

    def names(self, folder: str) -> Iterator[Named]:
        """All objects in a folder and the folders within, as they come."""
        self._demand()
        try:
            for some in obstore.list(self._store, folder):
                self._demand()
                for each in some:
                    yield Named(each["path"], each["size"])
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _away(error) from None

    def folders(self, folder: str) -> list[str]:
        """The names of the folders right in a folder, in their order."""
        self._demand()
        try:
            found = obstore.list_with_delimiter(self._store, folder)
        except FileNotFoundError:
            return []
        except (BaseError, OSError) as error:
            raise _away(error) from None
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found["common_prefixes"])

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; those that are gone already do no harm."""
        self._demand()
        for begin in range(0, len(names), DELETED_AT_ONCE):
            some = names[begin : begin + DELETED_AT_ONCE]
            try:
                obstore.delete(self._store, some)
            except FileNotFoundError:
                self._delete_each(some)
            except (BaseError, OSError) as error:
                raise _away(error) from None

    def _demand(self) -> None:
        """A folder that has gone, with its disk perhaps, is no empty one, and is not made anew."""
        if self.folder is not None and not self.folder.is_dir():
            raise Unavailable("the store of recordings does not answer (its folder is not there)")

    def _demand_room(self) -> None:
        self._demand()
        if self.folder is None:
            return
        try:
            disk = disk_usage(self.folder)
        except OSError as error:
            raise _away(error) from None
        if disk.free < min(self._least_free, disk.total // 20):
            raise Unavailable(f"the disk of the recordings' folder is full but for {disk.free // 10**6:,} MB")

    def _delete_each(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as error:
                raise _away(error) from None


class _Within(Objects):
    """A store until a moment of the monotonic clock."""

    def __init__(self, store: ObjectStore, until: float, seconds: float) -> None:
        super().__init__(store)
        self._until, self._seconds = until, seconds

    def _demand(self) -> None:
        super()._demand()
        if time.monotonic() > self._until:
            raise TooCostly(f"recordings were not read within {self._seconds:g} s: {SMALLER}")


def opened(settings: Settings) -> Objects | None:
    """The store of recordings, None where there is to be none; raises SettingError for an address that is none.

    A bucket is not asked before it is used. Its credentials are those of the environment, by the names that its own tools use.
    """
    url = settings.recordings_url.get_secret_value()
    if not url:
        return None
    try:
        return Objects(_store(url, settings))
    except (BaseError, ValueError, OSError) as error:
        raise SettingError(
            f"PULSE_RECORDINGS_URL: {type(error).__name__}; it is `{FOLDER}` or an address such as file:///srv/recordings or s3://bucket/prefix"
        ) from None


def _store(url: str, settings: Settings) -> ObjectStore:
    if url == FOLDER:
        return LocalStore(settings.data.resolve() / "recordings", automatic_cleanup=True, mkdir=True)
    if url.startswith("file:"):
        if not urlsplit(url).path.strip("/"):
            raise ValueError("it names no folder")
        return LocalStore.from_url(url, automatic_cleanup=True, mkdir=True)
    if url.startswith("memory:"):
        return MemoryStore()
    return from_url(url, **REACH)


def _away(error: Exception) -> Unavailable:
    """Only the kind of the error: its text may hold the address, and an address a secret."""
    return Unavailable(f"the store of recordings does not answer ({type(error).__name__})")
