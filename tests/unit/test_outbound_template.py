"""Bodies for well-known receivers: within their limits, whatever a notice holds."""

import itertools
import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.query.webhookform import SAMPLE
from pulse.alerting.look import Look
from pulse.alerting.rule import Rule
from pulse.alerting.selector import selector_of
from pulse.alerting.site import Told
from pulse.alerting.state import Change
from pulse.alerting.telling import notice_of
from pulse.alerting.watched import Watched
from pulse.notice import Notice
from pulse.outbound.summary import summary_of
from pulse.outbound.template import TEMPLATES, render

RULE = Rule.model_validate(
    {
        "metric": "events",
        "group_by": "country",
        "window_minutes": 5,
        "condition": {"kind": "threshold", "operator": "<", "value": 10},
        "severity": "critical",
    }
)
WATCHED = Watched("rul_1", "shop", "Errors <on> & off", RULE, selector_of(RULE), 0)
MINUTE = 29_833_338
DATA: dict[str, Any] = notice_of(
    Told(WATCHED, "AT", Change("firing", MINUTE, MINUTE), Look(2.0, True, False, 1.0, 10.0)), 0
).data
AT = 1_790_000_000_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def body(template: str, kind: str = "alert.firing", data: dict[str, Any] | None = None, **headers: str) -> Any:
    notice = Notice(id="n1", kind=kind, site_id="shop", at=AT, data=DATA if data is None else data)
    return json.loads(render(template, notice, {name.replace("_", "-"): value for name, value in headers.items()}).body)


def test_the_plain_form_is_the_notice() -> None:
    assert body("json") == {
        "id": "n1",
        "event_type": "alert.firing",
        "site_id": "shop",
        "timestamp": "2026-09-21T14:13:20.000Z",
        "at": AT,
        "data": DATA,
    }


def test_slack_is_told_in_blocks_and_nothing_in_a_name_is_a_mark() -> None:
    told = body("slack")

    assert told["text"] == "alert.firing: Errors &lt;on&gt; &amp; off"
    assert told["blocks"][0]["text"]["text"] == "alert.firing: Errors <on> & off"
    assert "*expected.high*\n10.0" in [field["text"] for field in told["blocks"][1]["fields"]]


def test_parts_and_lists_of_what_is_told_are_written_out_and_what_is_none_is_not() -> None:
    told = body("slack", data={"window": {"minutes": 5}, "pages": ["/a", "/b"], "note": None})
    fields = [field["text"] for field in told["blocks"][1]["fields"]]
    assert "*site*\nshop" in fields
    assert "*window.minutes*\n5" in fields
    assert "*pages*\n/a, /b" in fields
    assert not any("note" in field for field in fields)


def test_discord_mentions_nobody_and_a_resolved_alert_is_green() -> None:
    assert body("discord")["allowed_mentions"] == {"parse": []}
    assert body("discord")["embeds"][0]["color"] == 0xB71C1C
    assert body("discord", "alert.resolved")["embeds"][0]["color"] == 0x43A047


def test_teams_is_sent_a_card() -> None:
    [attachment] = body("teams")["attachments"]

    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert {"title": "value", "value": "2.0"} in attachment["content"]["body"][1]["facts"]


def test_pagerduty_opens_and_closes_one_incident() -> None:
    firing, resolved = (body("pagerduty", kind, x_routing_key="R") for kind in ("alert.firing", "alert.resolved"))

    assert (firing["event_action"], resolved["event_action"]) == ("trigger", "resolve")
    assert firing["dedup_key"] == resolved["dedup_key"] == "shop:rul_1:AT"
    assert firing["routing_key"] == "R"
    assert firing["payload"]["severity"] == "critical"
    assert firing["payload"]["custom_details"] == DATA


def test_opsgenie_opens_and_closes_one_alert() -> None:
    firing = body("opsgenie")
    closing = render("opsgenie", Notice(id="n2", kind="alert.resolved", site_id="shop", at=AT, data=DATA), {})

    assert (firing["alias"], firing["priority"]) == ("shop:rul_1:AT", "P1")
    assert closing.path == "/shop%3Arul_1%3AAT/close?identifierType=alias"
    assert "message" not in json.loads(closing.body)


def test_people_are_told_the_reason_first_times_as_dates_and_no_id() -> None:
    facts = summary_of(Notice(id="n1", kind="alert.firing", site_id="shop", at=AT, data=DATA)).facts

    assert facts[:2] == [("reason", "events in 5 min of country AT: 2, < 10"), ("site", "shop")]
    assert {"window.start", "window.end", "began"} <= dict(facts).keys()
    assert all(value.endswith(":00.000Z") for name, value in facts if name in ("window.start", "window.end", "began"))
    assert "rule_id" not in dict(facts)


def test_the_sample_of_the_preview_has_the_shape_of_an_alert() -> None:
    assert SAMPLE.keys() == DATA.keys()
    assert all(SAMPLE[name].keys() == DATA[name].keys() for name in ("expected", "window"))


def test_what_concerns_groups_of_one_rule_is_told_apart() -> None:
    keys = {body("pagerduty", data=DATA | {"group": group})["dedup_key"] for group in ("/a", "/b")}

    assert len(keys) == 2


LONG = {"&" * 500: "<" * 5_000, "rule_name": "&" * 5_000, **{f"field {n}": "&" * 400 for n in range(40)}}


@settings(max_examples=20)
@example(LONG, AT)
@given(data=st.dictionaries(st.text(max_size=5), JSON, max_size=5), at=st.integers(-(2**62), 2**62))
def test_any_notice_has_a_form_within_the_receivers_limits(data: dict[str, Any], at: int) -> None:
    for kind, template in itertools.product(("alert.firing", "alert.resolved", "import.done"), TEMPLATES):
        made = render(template, Notice(id="n", kind=kind, site_id="s", at=at, data=data), {})
        told = json.loads(made.body)
        if template == "slack":
            assert len(told["blocks"][0]["text"]["text"]) <= 150
            assert len(told["blocks"][1]["fields"]) <= 10
            assert all(len(field["text"]) <= 2_000 for field in told["blocks"][1]["fields"])
        if template == "discord":
            assert all(
                len(each["name"]) <= 256 and 0 < len(each["value"]) <= 1_024 for each in told["embeds"][0]["fields"]
            )
        if template == "opsgenie" and "message" in told:
            assert len(told["message"]) <= 130
