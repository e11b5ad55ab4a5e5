"""What every part of Pulse shares: the event, its record form, names, settings and pure arithmetic."""

VERSION = "0.1.0"
