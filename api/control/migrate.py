"""Bring the database of sites and keys to this version's tables: `python -m api.control.migrate`."""

import sys
from logging import getLogger
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from api.control import database
from pulse import log as logging
from pulse import settings as all_settings
from pulse.errors import PulseError, Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 7_085_397_301
"""The advisory lock by which one of several starting machines migrates a PostgreSQL and the others wait."""

log = getLogger(__name__)


def migrate(url: str, to: str = "head") -> None:
    """Apply the migrations that are missing, all or none of each; raises Unavailable."""
    database.make_folder(url)
    engine = database.engine(url)
    try:
        with engine.execution_options(writes=True).begin() as connection:
            _lock(connection)
            command.upgrade(_config(connection), to)
    except DBAPIError as error:
        raise Unavailable(f"the database of sites and keys cannot be migrated: {error.orig}") from None
    finally:
        engine.dispose()


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def main() -> int:
    """Migrate what the settings name, waiting up to a minute for it to answer."""
    try:
        settings = all_settings.load()
        logging.configure(settings.log_level)
        for attempt in Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_delay(60),
            wait=wait_exponential(0.2, max=3),
            reraise=True,
        ):
            with attempt:
                migrate(settings.control_url)
    except PulseError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's last word
        return 1
    log.info("the database of sites and keys is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
