"""The keys themselves: how one is made, recognised, and verified without being kept."""

import hashlib
import hmac
import re
import secrets
import string
from base64 import b64decode, b64encode
from functools import lru_cache

SECRET_KEY = "pulse_prod_"
SITE_KEY = "pulse_site_"
RANDOM_CHARACTERS = 32
SHOWN_CHARACTERS = len(SECRET_KEY) + 6
"""How much of a key may be shown in lists: its kind and six of 32 characters."""

_ALPHABET = string.ascii_letters + string.digits
_SHAPE = re.compile(rf"(?:{SECRET_KEY}|{SITE_KEY}|pulse_dev_)[A-Za-z0-9]{{{RANDOM_CHARACTERS}}}", re.ASCII)

_COST, _BLOCK, _PARALLEL = 2**14, 8, 1


def make(public: bool) -> str:
    """A new key of about 190 random bits: a site key, which may be seen by anybody, or a secret one."""
    return (SITE_KEY if public else SECRET_KEY) + "".join(secrets.choice(_ALPHABET) for _ in range(RANDOM_CHARACTERS))


def has_shape(presented: str) -> bool:
    """Whether a text could be a key at all."""
    return _SHAPE.fullmatch(presented) is not None


def shown(key: str) -> str:
    """The beginning of a key, by which people tell keys apart."""
    return key[:SHOWN_CHARACTERS]


def fingerprint(secret: bytes, key: str) -> str:
    """What a key is found by: HMAC-SHA256 with the server's secret, in hex."""
    keyed = _keyed(secret).copy()
    keyed.update(key.encode())
    return keyed.hexdigest()


@lru_cache(8)
def _keyed(secret: bytes) -> hmac.HMAC:
    """A digest that has taken in the secret: half of what a fingerprint costs, and each request asks for one."""
    return hmac.new(secret, digestmod="sha256")


def slow_hash(key: str) -> str:
    """What a key is verified against: a salted scrypt hash with its costs, about 50 ms to make."""
    salt = secrets.token_bytes(16)
    return f"scrypt${_COST}${_BLOCK}${_PARALLEL}${_text(salt)}${_text(_scrypt(key, salt, _COST, _BLOCK, _PARALLEL))}"


def verify(key: str, hashed: str) -> bool:
    """Whether a key is the one that `slow_hash` was made of; takes as long as making it."""
    try:
        _, cost, block, parallel, salt, digest = hashed.split("$")
        made = _scrypt(key, b64decode(salt), int(cost), int(block), int(parallel))
        return hmac.compare_digest(made, b64decode(digest))
    except ValueError:
        return False


def _scrypt(key: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(key.encode(), salt=salt, n=cost, r=block, p=parallel, dklen=32)


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()
