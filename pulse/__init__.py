"""What every part of Pulse shares: the event, its record form, names, settings and pure arithmetic."""

from pulse import loading

loading.begin()

VERSION = "0.1.0"
