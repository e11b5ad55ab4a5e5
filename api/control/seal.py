"""Secrets that must be read again: kept encrypted by a key that only the server's secret gives."""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken

from pulse.errors import SettingError

ENDPOINTS = b"pulse: what endpoints are signed with"
LEADS = b"pulse: who leads are"
"""What is sealed: for each another key follows from the server's secret."""


class Seal:
    """Seals texts and opens them again; `secret` is the server's."""

    def __init__(self, secret: bytes, purpose: bytes = ENDPOINTS) -> None:
        self._fernet = Fernet(urlsafe_b64encode(hmac.new(secret, purpose, hashlib.sha256).digest()))

    def close(self, text: str) -> str:
        """A text as it may be kept."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text again; raises SettingError if it was sealed under another secret."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SettingError("PULSE_SECRET: is not the one under which this was sealed") from None
