"""The Faust app: its settings, and how aiokafka fetches for it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import mode.loop

mode.loop.use("uvloop")  # before faust, which takes the loop as it finds it

import aiokafka.client  # noqa: E402
import faust  # noqa: E402
from aiokafka.protocol.metadata import MetadataRequest  # noqa: E402
from faust.transport.drivers import aiokafka as driver  # noqa: E402
from mode import CrashingSupervisor  # noqa: E402

from pulse import end  # noqa: E402
from pulse.settings import Settings  # noqa: E402

# Topics are made by `streams.topics` alone: aiokafka lets the broker make those it misses, and has no setting for it.
aiokafka.client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)

GROUP = "pulse-streams"
REQUEST_S = 30.0


def create_app(settings: Settings) -> faust.App:
    """The app without its agents.

    No tables, so no changelog and no RocksDB; nothing is declared, the topics are made by `streams.topics`.
    Values stay bytes. An agent that raises ends the process.
    """
    folder = settings.data.resolve() / "streams"
    folder.mkdir(parents=True, exist_ok=True)
    session_s = settings.session_timeout_ms / 1000
    app = faust.App(
        GROUP,
        broker=[f"aiokafka://{server.strip()}" for server in settings.kafka_url.split(",")],
        datadir=folder,
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        worker_redirect_stdouts=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        table_standby_replicas=0,
        key_serializer="raw",
        value_serializer="raw",
        agent_supervisor=CrashingSupervisor,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=_instance(settings),
        consumer_max_fetch_size=2 * 1024 * 1024,
        consumer_metadata_max_age_ms=30_000,
        broker_commit_interval=1.0,
        broker_max_poll_records=100,
        broker_session_timeout=session_s,
        broker_heartbeat_interval=session_s / 3,
        broker_rebalance_timeout=max(session_s, 10.0),
        broker_request_timeout=max(REQUEST_S, session_s),
        stream_buffer_maxsize=64,
        stream_wait_empty=False,
    )
    app.transport = _transport(settings.fetch_wait_ms)(app.conf.broker_consumer, app)
    return app


def _instance(settings: Settings) -> str | None:
    """A name that is kept over restarts makes a static member, which gets its partitions back without a rebalance.

    Only a name that was given: two members of one name throw each other out for ever, and a host's name may be
    shared, or new at each start.
    """
    return f"{GROUP}-{settings.instance}" if "instance" in settings.model_fields_set else None


def _transport(fetch_wait_ms: int) -> type[driver.Transport]:
    """Faust's transport with another `fetch_max_wait_ms`, which goes back to the beginning where nothing is committed.

    Faust sets 1500 and offers no setting. A broker that does not wake a waiting fetch when data comes (the
    embedded one does not) would so delay each record by most of a second. The consumer reads the value when
    it starts, so it is set between being made and being started.

    Faust throws away what it fetched during a rebalance and seeks to what is committed. Where nothing is, aiokafka
    stays where it is, beyond the records thrown away.
    """

    class Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
        def _create_worker_consumer(self, transport: Any) -> Any:
            consumer = super()._create_worker_consumer(transport)
            if not hasattr(consumer, "_fetch_max_wait_ms"):
                raise AttributeError("this aiokafka keeps fetch_max_wait_ms elsewhere: adjust streams/app.py")
            consumer._fetch_max_wait_ms = fetch_wait_ms
            return consumer

        async def seek_to_committed(self) -> Mapping[Any, int]:
            found: Mapping[Any, int] = await self.call_thread(self._seek_to_committed)
            return found

        async def _seek_to_committed(self) -> Mapping[Any, int]:
            consumer = self._ensure_consumer()
            committed: Mapping[Any, int] = await consumer.seek_to_committed()
            fresh = consumer.assignment() & {partition for partition, offset in committed.items() if not offset}
            if fresh:
                await consumer.seek_to_beginning(*fresh)
            return committed

    class Consumer(driver.Consumer):  # type: ignore[misc]
        def _new_consumer_thread(self) -> Any:
            return Thread(self, loop=self.loop, beacon=self.beacon)

    class Transport(driver.Transport):  # type: ignore[misc]
        pass

    Transport.Consumer = Consumer
    return Transport


class Worker(faust.Worker):  # type: ignore[misc]
    """Runs the app in the foreground; however it is stopped, it ends within seconds.

    Faust waits for as long as the broker is away; a stop need not, since all state is in the log.
    """

    def __init__(self, app: faust.App) -> None:
        super().__init__(app, quiet=True, override_logging=False)
        self.spinner = None

    async def stop(self) -> None:
        """Stop; the process ends with 0 if it was asked to, 1 if something crashed."""
        end.within(end.STOP_S, 1 if self.crash_reason else 0)
        await super().stop()
