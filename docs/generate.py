"""Makes the pages of this folder that are told by the code: events.md, settings.md and commands.md.

`python docs/generate.py` writes them; `--check` says which are not current, and exits 1.
"""

import argparse
import ast
import inspect
import itertools
import sys
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import typer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulse import event, rejection
from pulse.command.main import app
from pulse.settings import Settings

NAMES = (
    ("page_view", "", "Pages, sessions, bounces."),
    (
        "web_vitals",
        "`lcp`, `inp`, `fcp`, `ttfb`, `load` in ms, `cls`: numbers, each if it is known",
        "Performance of pages.",
    ),
    ("error", "`message`: text; `release`: text, the version that runs, if it is known", "Errors by message and page."),
    ("identify", "", "Links `visitor_id` to `user_id`: the visitor is that person, before and after."),
    (
        "alias",
        "`previous_id`: text, a visitor's id",
        "Links `previous_id` to `user_id` likewise; `visitor_id` if it is missing.",
    ),
)
"""Events that reports look for by their names."""

HERE = Path(__file__).resolve().parent


def _named() -> list[str]:
    return [
        "## Names with a meaning",
        "",
        "| event | properties | what reports make of it |",
        "| --- | --- | --- |",
        *[f"| `{name}` | {properties} | {text} |" for name, properties, text in NAMES],
        "",
    ]


def events_page() -> str:
    """docs/events.md: the fields that a client sends, those that Pulse adds, and the reasons of refusal."""
    limits = (
        f"A request holds at most {event.MAX_EVENTS_PER_REQUEST:,} events or "
        f"{event.MAX_REQUEST_BYTES // 2**20} MB; an event at most {event.MAX_EVENT_BYTES // 1024} kB and "
        f"{event.MAX_PROPERTIES} properties with names of at most {event.MAX_PROPERTY_NAME} characters, "
        f"nested at most {event.MAX_NESTING} levels deep."
    )
    return "\n".join(
        [
            "# The event",
            "",
            "Made from the contract in `pulse/event.py` by `docs/generate.py`.",
            "",
            f"One JSON object. Only `event` is required. Unknown fields are ignored. {limits}",
            "",
            "## What a client sends",
            "",
            *_fields(event.Event, set()),
            "",
            "## What the collector adds",
            "",
            *_fields(event.RawEvent, _names(event.Event)),
            "",
            "## What refinement adds",
            "",
            *_fields(event.RefinedEvent, _names(event.RawEvent)),
            "",
            *_named(),
            "## Why an event is refused",
            "",
            "| reason | meaning |",
            "| --- | --- |",
            *[f"| `{name}` | {text} |" for name, text in _reasons()],
            "",
        ]
    )


def settings_page() -> str:
    """docs/settings.md: every setting, its default and what it does."""
    rows = [
        f"| `PULSE_{name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            "Made from `pulse/settings.py` by `docs/generate.py`. Each process reads them from its environment once, when it starts.",
            "",
            "| setting | default | what it does |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def commands_page() -> str:
    """docs/commands.md: the `pulse` command, its arguments and options."""
    command = typer.main.get_command(app)
    return "\n".join(
        [
            "# The `pulse` command",
            "",
            "Made from `pulse/command/` by `docs/generate.py`. An error is one sentence on standard error and exit code 1,",
            "a command that was mistyped 2.",
            "",
            *_command(command, typer.Context(command, info_name="pulse")),
        ]
    )


def _command(command: Any, context: typer.Context) -> list[str]:
    """A command's help, its usage and its parameters; of a group, each of its commands."""
    said = (command.help or "").split("\n\n")
    lines = [*[line for part in said for line in (" ".join(part.split()), "")]]
    children = [command.get_command(context, name) for name in getattr(command, "commands", ())]
    if not children:
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        lines += ["```sh", usage, "```", "", *_parameters(command, context)]
    for child in children:
        below = typer.Context(child, info_name=child.name, parent=context)
        lines += [f"{'#' * below.command_path.count(' ')}# `{below.command_path}`", "", *_command(child, below)]
    return lines


def _parameters(command: Any, context: typer.Context) -> list[str]:
    records = [each.get_help_record(context) for each in command.get_params(context) if each.name != "help"]
    rows = [f"| `{_cell(name)}` | {_cell(text)} |" for name, text in filter(None, records)]
    return ["| | |", "| --- | --- |", *rows, ""] if rows else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("  [", " [")


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=False)
    if field.default_factory is not None:
        return "the host's name"
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return f"`{value}`" if value not in ("", None) else ""


def _names(struct: type[msgspec.Struct]) -> set[str]:
    return set(struct.__struct_fields__)


def _fields(struct: type[msgspec.Struct], known: set[str]) -> list[str]:
    hints = inspect.get_annotations(struct)
    rows = ["| field | type | limits | meaning |", "| --- | --- | --- | --- |"]
    for name, hint in hints.items():
        if name not in known:
            metas = _metas(hint)
            description = next((m.description for m in metas if m.description), "")
            rows.append(f"| `{name}` | {_kind(hint)} | {_limits(metas)} | {description} |")
    return rows


def _metas(hint: Any) -> list[msgspec.Meta]:
    found = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, msgspec.Meta)]
    return found + [m for part in get_args(hint) if not isinstance(part, str) for m in _metas(part)]


def _limits(metas: list[msgspec.Meta]) -> str:
    says = []
    for meta in metas:
        says += [f"{meta.min_length} or more characters"] if meta.min_length else []
        says += [f"{meta.max_length} characters"] if meta.max_length else []
        says += [f"`{meta.pattern}`".replace("|", "\\|")] if meta.pattern else []
        says += [f"{meta.ge:,} to {meta.le:,}"] if meta.le is not None and meta.ge is not None else []
    return ", ".join(dict.fromkeys(says))


def _kind(hint: Any) -> str:
    plain = {str: "text", int: "integer", float: "number", bool: "true or false", dict: "object", msgspec.Raw: "text"}
    if hasattr(hint, "__metadata__"):
        return _kind(get_args(hint)[0])
    if hint in plain:
        return plain[hint]
    origin = get_origin(hint)
    if origin is dict:
        return "object"
    if str(origin) == "typing.Literal":
        return " or ".join(f"`{word}`" for word in get_args(hint))
    if get_args(hint):
        kinds = [_kind(part) for part in get_args(hint) if part is not type(None)]
        return " or ".join(dict.fromkeys(kinds))
    return {"datetime": "time"}.get(getattr(hint, "__name__", ""), str(hint))


def _reasons() -> list[tuple[str, str]]:
    tree = ast.parse(inspect.getsource(rejection.Reason))
    body = tree.body[0].body  # type: ignore[attr-defined]
    pairs = itertools.pairwise(body)
    return [
        (ast.literal_eval(name.value), ast.literal_eval(text.value))
        for name, text in pairs
        if isinstance(name, ast.Assign) and isinstance(text, ast.Expr)
    ]


PAGES = {"events.md": events_page, "settings.md": settings_page, "commands.md": commands_page}


def stale() -> list[str]:
    """The pages that are not what the code says now."""
    return [name for name, page in PAGES.items() if not (HERE / name).exists() or (HERE / name).read_text() != page()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if a page is not current")
    if parser.parse_args().check:
        sys.exit(f"not current: {', '.join(stale())}; run python docs/generate.py" if stale() else 0)
    for name, page in PAGES.items():
        (HERE / name).write_text(page())


if __name__ == "__main__":
    main()
