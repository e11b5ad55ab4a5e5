"""Objects by name: a folder, memory, or a bucket of S3, Google Cloud Storage or Azure, all behind the same five calls."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from pulse.errors import NotFound, SettingError, Unavailable
from pulse.settings import Settings

FOLDER = "folder"
"""What the setting says for a folder in the data folder."""
DELETED_AT_ONCE = 1_000


class Named(NamedTuple):
    """An object that is there."""

    name: str
    size: int


class Objects:
    """A store of objects. Each call raises Unavailable where the store does not answer."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, name: str, content: bytes) -> None:
        """Store an object as a whole, in the place of one of the same name."""
        try:
            obstore.put(self._store, name, content)
        except (BaseError, OSError) as error:
            raise _away(error) from None

    def put_once(self, name: str, content: bytes) -> bool:
        """Store an object unless there is one of the same name; whether it was stored."""
        try:
            obstore.put(self._store, name, content, mode="create")
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as error:
            raise _away(error) from None
        return True

    def get(self, name: str) -> bytes:
        """An object's content; raises NotFound."""
        try:
            return bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            raise NotFound(f"there is no object {name!r}") from None
        except (BaseError, OSError) as error:
            raise _away(error) from None

    def names(self, folder: str) -> Iterator[Named]:
        """All objects in a folder and the folders within, as they come."""
        try:
            for some in obstore.list(self._store, folder):
                for each in some:
                    yield Named(each["path"], each["size"])
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _away(error) from None

    def folders(self, folder: str) -> list[str]:
        """The names of the folders right in a folder, in their order."""
        try:
            found = obstore.list_with_delimiter(self._store, folder)
        except FileNotFoundError:
            return []
        except (BaseError, OSError) as error:
            raise _away(error) from None
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found["common_prefixes"])

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; those that are gone already do no harm."""
        for begin in range(0, len(names), DELETED_AT_ONCE):
            some = names[begin : begin + DELETED_AT_ONCE]
            try:
                obstore.delete(self._store, some)
            except FileNotFoundError:
                self._delete_each(some)
            except (BaseError, OSError) as error:
                raise _away(error) from None

    def _delete_each(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as error:
                raise _away(error) from None


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
    return from_url(url)


def _away(error: Exception) -> Unavailable:
    """Only the kind of the error: its text may hold the address, and an address a secret."""
    return Unavailable(f"the store of recordings does not answer ({type(error).__name__})")
