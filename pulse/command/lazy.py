"""Commands that are loaded when they are typed: each pays for what it needs, not for what the others need."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer


class Commands(Mapping[str, Any]):
    """Commands by their names; `places` tells of each, as `module:attribute`, the function or the group that it is."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _loaded(name, self._places[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _loaded(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        made: Any = typer.main.get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        made = typer.main.get_command(alone)
    made.name = name
    return made
