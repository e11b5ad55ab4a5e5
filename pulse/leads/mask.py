"""Masks: of a text as little as tells it from others, and always the same length, which would tell something too."""

HIDDEN = "•••"
SHOWN_DIGITS = 2
ENOUGH_DIGITS = 6
"""Of a number with fewer digits the last ones would say too much."""


def mask_email(email: str) -> str:
    """`jane@example.com` as `j•••@example.com`."""
    local, at, domain = email.rpartition("@")
    return f"{_mask_word(local)}@{domain}" if at else mask_text(email)


def mask_name(name: str) -> str:
    """`Ada Lovelace` as `A••• L•••`."""
    return " ".join(map(_mask_word, name.split()))


def mask_phone(phone: str) -> str:
    """`+43 660 1234567` as `•••67`."""
    digits = [each for each in phone if each.isdigit()]
    return HIDDEN + "".join(digits[-SHOWN_DIGITS:]) if len(digits) >= ENOUGH_DIGITS else mask_text(phone)


def mask_text(text: str) -> str:
    """Nothing of it but that it is there."""
    return HIDDEN if text else ""


def _mask_word(word: str) -> str:
    """Its first character, unless that is all of it."""
    return word[0] + HIDDEN if len(word) > 1 else HIDDEN
