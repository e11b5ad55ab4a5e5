"""Secrets that must be read again: kept encrypted by a key that only the server's secret gives."""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken

from pulse.errors import SettingError

PURPOSE = b"pulse: what endpoints are signed with"


class Seal:
    """Seals texts and opens them again; `secret` is the server's."""

    def __init__(self, secret: bytes) -> None:
        self._fernet = Fernet(urlsafe_b64encode(hmac.new(secret, PURPOSE, hashlib.sha256).digest()))

    def close(self, text: str) -> str:
        """A text as it may be kept."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text again; raises SettingError if it was sealed under another secret."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SettingError("PULSE_SECRET: is not the one under which the endpoint's secrets were sealed") from None
