"""`python -m api.delivery`: delivers notices to the endpoints that want them."""

import asyncio
import signal
import sys
from logging import getLogger

from confluent_kafka import KafkaException

from api.delivery.run import Delivering
from pulse import end, health, loading
from pulse import log as logging
from pulse.errors import PulseError
from pulse.settings import Settings, load

log = getLogger("api.delivery")


def main() -> int:
    """Run until SIGTERM or SIGINT; 1 if it cannot go on and must be started anew, 2 for settings that cannot be."""
    try:
        settings = load()
        logging.configure(settings.log_level)
        delivering = Delivering(settings)
        page = health.serve(settings.host, settings.delivery_port, delivering.checks)
    except PulseError as error:
        sys.stderr.write(f"delivery: {error}\n")
        return 2
    loading.end()
    code = 0
    try:
        asyncio.run(_run(delivering, settings))
    except KafkaException as error:
        sys.stderr.write(f"delivery: {error.args[0].str()}\n")
        code = 1
    finally:
        page.shutdown()
    end.within(end.LEAVING_S, code)
    return code


async def _run(delivering: Delivering, settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log.info("the delivery process begins", extra={"port": settings.delivery_port})
    await delivering.run(stop)


if __name__ == "__main__":
    sys.exit(main())
