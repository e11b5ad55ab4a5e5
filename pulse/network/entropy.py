"""Over how many countries an autonomous system spreads.

H = -Σ p·log2 p, p the share of its addresses of version 4 that lie in a country (Shannon 1948). A network of homes lies
in one country, and H is near 0; one that sells exits in many countries has 1 bit and more.
"""

import numpy as np

from pulse.network.ranges import NONE, Array, Layer, joined

_COUNTRIES = 1 << 16


def country_entropy(systems: Layer, countries: Layer) -> tuple[Array, Array]:
    """Numbers of autonomous systems, sorted, and the entropy of each in bits, from layers of version 4.

    Those of whose addresses no country is known are left out.
    """
    points, (system, country) = joined(4, (systems, countries))
    sizes = np.diff(points, append=np.uint64(1 << 32)).astype("f8")
    known = (system != NONE) & (country != NONE)
    pairs, place = np.unique(system[known] * _COUNTRIES + country[known], return_inverse=True)
    addresses = np.bincount(place, sizes[known], len(pairs))
    numbers, begins = np.unique(pairs // _COUNTRIES, return_index=True)
    if not len(numbers):
        return numbers, np.array([], "f8")
    total = np.add.reduceat(addresses, begins)
    share = addresses / np.repeat(total, np.diff(begins, append=len(pairs)))
    return numbers, np.abs(np.add.reduceat(-share * np.log2(share), begins))
