"""`python -m streams.recordings`: keeps what sessions did, to be played again."""

import sys
import time
from logging import getLogger
from threading import Event

from confluent_kafka import KafkaException

from pulse import end, health, loading
from pulse import log as logging
from pulse.errors import PulseError, SettingError, Unavailable
from pulse.recordings.store import opened
from pulse.settings import Settings, load
from streams.recordings.nightly import Nightly
from streams.recordings.run import Recording

log = getLogger("streams.recordings")


def main() -> int:
    """Run until SIGTERM or SIGINT; 1 if it cannot go on and must be started anew, 2 for settings that cannot be."""
    stop = Event()
    end.when_asked(stop.set, end.STOP_S)
    try:
        settings = load()
        logging.configure(settings.log_level)
        _run(settings, stop)
    except Unavailable as error:
        sys.stderr.write(f"recordings: {error}\n")
        return 1
    except PulseError as error:
        sys.stderr.write(f"recordings: {error}\n")
        return 2
    except KafkaException as error:
        sys.stderr.write(f"recordings: {error.args[0].str()}\n")
        return 1
    return 0


def _run(settings: Settings, stop: Event) -> None:
    objects = opened(settings)
    if objects is None:
        raise SettingError("PULSE_RECORDINGS_URL is empty: there is nowhere to keep recordings")
    recording = Recording(settings, objects, stop)
    page = health.serve(settings.host, settings.recordings_port, recording.checks)
    Nightly(objects, settings.recordings_days, lambda: time.time_ns() // 1_000_000, stop).start()
    log.info("recording begins", extra={"port": settings.recordings_port})
    loading.end()
    recording.run()
    page.shutdown()


if __name__ == "__main__":
    sys.exit(main())
