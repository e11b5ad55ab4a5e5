"""Downloads Apache Kafka ahead of need: `python -m deploy.local.fetch`."""

import sys

from deploy.local import apache_kafka, cache
from pulse.errors import PulseError


def main() -> int:
    """0 once it is there; 1 after saying what is in the way."""
    try:
        apache_kafka.install(cache.folder())
    except PulseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
