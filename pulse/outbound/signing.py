"""Signatures by which a receiver knows that a message is ours and new: Standard Webhooks, and a plainer form beside it."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32
LEAST_BYTES, MOST_BYTES = 24, 64


def make_secret() -> str:
    """A new secret."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def bytes_of(secret: str) -> bytes:
    """The key that a secret stands for; raises ValueError for what is no secret."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except Error:
        key = b""
    if not secret.startswith(PREFIX) or not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"must be {PREFIX} and {LEAST_BYTES} to {MOST_BYTES} bytes as base64")
    return key


def headers(message_id: str, seconds: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that sign a body sent at `seconds` since the epoch, by each of the secrets that are valid, the newest first.

    `webhook-…` are those of https://www.standardwebhooks.com. `x-pulse-signature` is hex HMAC-SHA256 of
    `timestamp.body` by the secret as it is written. Where several secrets are valid, both hold one signature for each.
    """
    stamp = str(seconds)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{_standard(each, message_id, stamp, body)}" for each in secrets),
        "x-pulse-timestamp": stamp,
        "x-pulse-signature": " ".join(_plain(each, stamp, body) for each in secrets),
    }


def _standard(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    return b64encode(hmac.new(bytes_of(secret), signed, hashlib.sha256).digest()).decode()


def _plain(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
