"""Money as whole ten-thousandths, so that sums are exact in every order."""

SCALE = 4


def units(amount: float | None) -> int:
    """An amount in ten-thousandths, rounded half to even."""
    return 0 if amount is None else round(amount * 10_000)
