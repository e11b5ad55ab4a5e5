"""A first organisation, site and keys: `python -m api.control.bootstrap`. Running it again changes nothing."""

import os
import sys
import time
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct

from api.control import credential
from api.control.keys import NewKey
from api.control.store import Store
from api.keyring import secret_of
from pulse import log as logging
from pulse import settings as all_settings
from pulse.errors import Conflict, NotFound, PulseError, SettingError

log = getLogger(__name__)

ORGANISATION = "default"
SITE = "main"


class FirstKeys(Struct, frozen=True):
    """What is kept in `keys.json` of the data folder, readable by its owner alone."""

    site_id: str
    admin_key: str
    secret_key: str
    site_key: str

    def __repr__(self) -> str:
        return f"FirstKeys(site_id={self.site_id!r}, …)"


def bootstrap(store: Store, folder: Path, secret: bytes, now: int) -> FirstKeys:
    """The first site and keys: those of the folder, made if there are none, and stored where they are missing.

    A key that was revoked stays revoked. Raises Unavailable and SettingError.
    """
    keys = first_keys(folder)
    store.sites.ensure_organisation(ORGANISATION, "Default", now)
    _ensure_site(store, keys.site_id, now)
    for key, wanted in _wanted(keys):
        if not store.keys.has(credential.fingerprint(secret, key)):
            with suppress(Conflict):  # another start was faster
                store.keys.create(wanted, secret, now, presented=key)
    return keys


def first_keys(folder: Path) -> FirstKeys:
    """The keys that a folder holds, made and written if it holds none; raises SettingError for a broken file."""
    file = folder / "keys.json"
    if not file.exists():
        _write(file, FirstKeys(SITE, credential.make(False), credential.make(False), credential.make(True)))
    try:
        return msgspec.json.decode(file.read_bytes(), type=FirstKeys)
    except (msgspec.DecodeError, OSError) as error:
        raise SettingError(f"{file}: cannot be read ({error}); move it away to have new keys made") from None


def _write(file: Path, keys: FirstKeys) -> None:
    """Write a file as a whole or not at all; one that is there already is kept."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{uuid4().hex}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(keys)) + b"\n")
        out.flush()
        os.fsync(handle)
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()


def _ensure_site(store: Store, site_id: str, now: int) -> None:
    try:
        store.sites.get(ORGANISATION, site_id)
    except NotFound:
        with suppress(Conflict):  # archived, or made meanwhile
            store.sites.create(ORGANISATION, site_id, {"name": "Main"}, now)


def _wanted(keys: FirstKeys) -> tuple[tuple[str, NewKey], ...]:
    everything = NewKey(ORGANISATION, None, "First administrator", ("admin", "stats:read"))
    server = NewKey(ORGANISATION, keys.site_id, "First server", ("events:write", "events:import", "stats:read"))
    page = NewKey(ORGANISATION, keys.site_id, "First page", ("events:write",), origins=("*",), public=True)
    return (keys.admin_key, everything), (keys.secret_key, server), (keys.site_key, page)


def main() -> int:
    """Print the first site and keys as one line of JSON."""
    try:
        settings = all_settings.load()
        logging.configure(settings.log_level)
        store = Store(settings.control_url)
        keys = bootstrap(store, settings.data, secret_of(settings), time.time_ns() // 1_000_000)
        store.close()
    except PulseError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's last word
        return 1
    log.warning("the site key is taken from every origin (*): give it your pages' origins before you publish it")
    sys.stdout.write(msgspec.json.encode(keys).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
