"""What can go wrong, named by cause."""


class PulseError(Exception):
    """Any failure that Pulse itself names."""


class PlaceError(PulseError):
    """A record does not say where it came from."""


class SettingError(PulseError):
    """A setting is missing or impossible."""


class Unavailable(PulseError):
    """A backing service does not answer; trying again later is right."""


class SchemaError(PulseError):
    """The store's tables are not what the migrations made."""


class QueryError(PulseError):
    """A question that cannot be answered: an unknown metric, an impossible range; the store's own code where it said no."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class TooCostly(PulseError):
    """A question that takes more time, memory or rows than one may: a smaller one is right."""


class NotFound(PulseError):
    """What was asked for does not exist, or is another tenant's: the two are never told apart."""


class Conflict(PulseError):
    """A change that contradicts what is stored."""
