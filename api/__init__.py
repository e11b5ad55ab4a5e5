"""The HTTP faces: the collector takes events in, the query API gives answers."""

from pulse import loading

loading.begin()
