"""Commands are there by name, and loaded when they are asked for."""

import sys

from pulse.command.lazy import Commands
from pulse.command.main import COMMANDS


def test_names_are_known_without_loading_anything() -> None:
    commands = Commands({"gone": "pulse.command.gone:gone"})
    assert list(commands) == ["gone"]
    assert len(commands) == 1
    assert "pulse.command.gone" not in sys.modules


def test_every_command_is_where_it_is_said_to_be_and_loaded_once() -> None:
    commands = Commands(COMMANDS)
    for name, command in commands.items():
        assert command.name == name
        assert command.help
        assert commands[name] is command
    assert commands.get("gone") is None
