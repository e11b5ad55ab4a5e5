"""Records on disk, for as long as the log does not take them: bounded, checksummed, fsynced, drained in order."""
