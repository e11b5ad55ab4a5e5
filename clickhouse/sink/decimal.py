"""Money in Arrow: the same whole ten-thousandths that the rollup counts in."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pulse.money import SCALE


def units(amounts: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Amounts in ten-thousandths, rounded half to even: `pulse.money.units` of many; NaN counts nothing."""
    whole: npt.NDArray[np.int64] = np.rint(np.nan_to_num(amounts) * 10**SCALE).astype(np.int64)
    return whole


def decimals(whole: npt.NDArray[np.int64], precision: int) -> pa.Array:
    """Ten-thousandths as Arrow's 128-bit decimals of that many digits, four of them behind the point."""
    halves = np.empty((len(whole), 2), np.int64)
    halves[:, 0] = whole
    halves[:, 1] = whole >> 63
    return pa.Array.from_buffers(pa.decimal128(precision, SCALE), len(whole), [None, pa.py_buffer(halves)])


def scaled(whole: pa.Array) -> pa.Array:
    """Ten-thousandths that are 128-bit whole numbers, none missing, as the amounts they stand for."""
    kind = pa.decimal128(whole.type.precision, SCALE)
    return pa.Array.from_buffers(kind, len(whole), whole.buffers(), offset=whole.offset)
