"""What is said once everything runs: where it is, the key, a first event to send and how to see it counted."""

import shlex
import sys
from pathlib import Path

import msgspec

from deploy.local.up.choice import URLS, Kind
from deploy.local.up.plan import ROOT, Plan, reachable
from pulse.diagnosis.network import NAMES, without_password
from pulse.errors import PulseError

EVENT = '{"event":"page_view","url":"https://example.com/","visitor_id":"me"}'
QUESTION = "SELECT event, count() AS events, max(ts) AS last FROM analytics.events GROUP BY event ORDER BY events DESC"


def keys(data: Path) -> dict[str, str]:
    """The first site and its keys; raises PulseError if they cannot be read."""
    try:
        return msgspec.json.decode((data / "keys.json").read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError) as error:
        raise PulseError(f"{data / 'keys.json'} cannot be read: {error}") from None


def text(plan: Plan, found: dict[str, str], pulse: str) -> str:
    """The whole message; `pulse` is how the pulse command is called from a shell."""
    s = plan.settings
    host = reachable(s.host)
    host = f"[{host}]" if ":" in host else host
    collector, query, live = (f"http://{host}:{port}" for port in (s.collector_port, s.query_port, s.live_port))
    key = found["secret_key"]
    return f"""
Pulse runs.

  collector    {collector}/v1/events    described at {collector}/docs
  query API    {query}/api/v1/stats    described at {query}/docs
  live view    {live}/api/v1/live    described at {live}/docs
{_backing(plan)}
  site         {found["site_id"]}
  key          {key}    (all keys: {plan.data / "keys.json"})

Send a first event:

{send(collector, key)}

See it counted:

{ask(query, key)}
{pulse} sql {shlex.quote(QUESTION)}
"""


def send(collector: str, key: str) -> str:
    """The command that sends a first event."""
    headers = f"-H 'Authorization: Bearer {key}' -H 'Content-Type: application/json'"
    return f"curl -sS -X POST {collector}/v1/events {headers} -d '{EVENT}'"


def ask(query: str, key: str) -> str:
    """The command that counts events."""
    return f"curl -sS '{query}/api/v1/stats?metric=event_count&period=1h' -H 'Authorization: Bearer {key}'"


def command(data: Path, prefix: Path = Path(sys.prefix)) -> str:
    """How the pulse command is called from any folder."""
    launcher = prefix / "bin" / "pulse"
    called = (
        shlex.quote(str(launcher)) if launcher.is_file() else f"{shlex.quote(sys.executable)} -m pulse.command.main"
    )
    if launcher.is_file() and data == ROOT / ".pulse":
        return called
    return f"PULSE_DATA={shlex.quote(str(data))} {called}"


def _backing(plan: Plan) -> str:
    """The services' addresses without their passwords."""
    lines = []
    for name, kind in plan.kinds.items():
        shown = without_password(plan.environment[URLS[name]])
        lines.append(f"  {NAMES[name]:<13}{shown}    {'yours' if kind == Kind.own else kind}")
    return "\n".join(lines)
