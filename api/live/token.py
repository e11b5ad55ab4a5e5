"""JSON web tokens (RFC 7519) that open the live view: made by somebody else, checked here, kept nowhere."""

from typing import NamedTuple

import jwt
from jwt.algorithms import get_default_algorithms

from api.problems import Unauthenticated
from pulse.errors import SettingError
from pulse.settings import Settings

LEEWAY_S = 5
"""Clocks differ by so much."""
REQUIRED = ("site", "exp", "aud")
MOMENTS = ("exp", "nbf", "iat")
LEAST_SECRET = 32
"""Bytes of a secret, as RFC 7518 demands of HS256 (3.2)."""
LONGEST_SITE = 64


class Claims(NamedTuple):
    """What a token says: which site may be watched, and until when, in ms since the epoch."""

    site: str
    ends: int


class Tokens:
    """Checks tokens by the settings. Raises SettingError for a key that is none."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.live_jwt_key.get_secret_value().replace("\\n", "\n").strip()
        self._algorithm = settings.live_jwt_algorithm
        self._audience = settings.live_jwt_audience
        if self._key:
            self._demand_key()

    def claims(self, token: str) -> Claims:
        """What a token says; raises Unauthenticated, with the reason, for one that is not to be believed."""
        if not self._key:
            raise Unauthenticated("tokens are not taken here: PULSE_LIVE_JWT_KEY is not set")
        try:
            found = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": list(REQUIRED)},
            )
            site, ends = found["site"], int(found["exp"]) * 1000
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"the token is not taken: {error}") from None
        except (ValueError, OverflowError, RecursionError):
            raise Unauthenticated("the token is not taken: it cannot be read") from None
        odd = next((name for name in MOMENTS if name in found and type(found[name]) not in (int, float)), None)
        if odd:
            raise Unauthenticated(f"the token is not taken: its claim {odd} is no number")
        if not isinstance(site, str) or not 0 < len(site) <= LONGEST_SITE or not site.isprintable():
            raise Unauthenticated("the token is not taken: its claim site is no site")
        return Claims(site, ends + LEEWAY_S * 1000)

    def _demand_key(self) -> None:
        if self._algorithm == "HS256" and len(self._key.encode()) < LEAST_SECRET:
            raise SettingError(f"PULSE_LIVE_JWT_KEY: a secret of HS256 has {LEAST_SECRET} bytes or more")
        try:
            key = get_default_algorithms()[self._algorithm].prepare_key(self._key)
        except (jwt.PyJWTError, ValueError, TypeError):
            raise SettingError(f"PULSE_LIVE_JWT_KEY: is no key of {self._algorithm}") from None
        if hasattr(key, "private_numbers"):
            raise SettingError("PULSE_LIVE_JWT_KEY: is a private key; the public one is enough")


def is_token(text: str) -> bool:
    """Whether something has the shape of a token, which no key has."""
    return text.count(".") == 2
