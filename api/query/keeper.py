"""The rows of saved funnels, made to be what the control plane says: in the background and until it has worked."""

from logging import getLogger
from threading import Event, Lock, Thread

from api.control.model import SavedFunnel
from api.control.store import Store
from api.query.funnelform import StepsForm, steps_of
from clickhouse.client import Client
from clickhouse.funnels import build
from clickhouse.funnels.build import Kept
from clickhouse.reports.filter import Parameters
from clickhouse.reports.funnel_attempts import fits
from clickhouse.reports.funnel_saved import can_be_kept
from pulse.errors import PulseError, QueryError
from pulse.settings import Settings

ANSWER_S = 600
PAUSE_S = 10.0
MOST_KEPT = 200
"""Saved funnels of all sites that have rows of their own: each costs the store a look at every event of its site."""

log = getLogger(__name__)


class Keeper:
    """Makes and drops the rows of saved funnels whenever it is woken; several may be at work, in several processes."""

    def __init__(self, store: Store, client: Client) -> None:
        self._store = store
        self._client = client
        self._woken = Event()
        self._stopping = Event()
        self._lock = Lock()
        self._thread: Thread | None = None

    def wake(self) -> None:
        """Look soon what is to be done; returns at once."""
        self._woken.set()
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = Thread(target=self._run, name="funnels", daemon=True)
                self._thread.start()

    def stop(self, timeout_s: float = 5) -> None:
        """End; what is half done is gone on with at the next start."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self._client.close()

    def _run(self) -> None:
        while self._woken.wait() and not self._stopping.is_set():
            self._woken.clear()
            try:
                self._tend()
            except Exception as error:
                is_known = isinstance(error, PulseError)
                told = "the rows of saved funnels cannot be made just now: %s"
                log.warning(told, error, exc_info=None if is_known else error)
                self._woken.set()
                self._stopping.wait(PAUSE_S)

    def _tend(self) -> None:
        known = {each.id: each for each in build.every(self._client)}
        oldest = sorted(self._store.funnels.every(), key=lambda each: (each.created, each.id))
        wanted = {each.id: each for each in map(kept_of, oldest) if each is not None}
        wanted = dict(list(wanted.items())[:MOST_KEPT])
        for kept in known.values():
            if kept.id not in wanted:
                build.remove(self._client, kept.site, kept.id)
        for kept in wanted.values():
            if kept.id not in known or known[kept.id].print != kept.print:
                build.save(self._client, kept)
        build.mend(self._client, self._stopping.is_set)


def kept_of(record: SavedFunnel) -> Kept | None:
    """A saved funnel as the store is to know it, None for one of which no rows can be kept, or that cannot be asked as it was saved."""
    bound = Parameters()
    try:
        asked = steps_of(StepsForm.model_validate(record.definition), record.site)
        return build.kept_of(record.site, record.id, fits(asked, bound), bound) if can_be_kept(asked) else None
    except (ValueError, QueryError) as error:
        log.warning("the saved funnel %s cannot be asked: %s", record.id, error)
        return None


def patient(settings: Settings) -> Client:
    """A client that waits for what takes its time."""
    return Client(settings.clickhouse_url.get_secret_value(), None, ANSWER_S)
