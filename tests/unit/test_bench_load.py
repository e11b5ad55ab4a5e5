"""What the load generator sends: events of the contract, all different, as skewed as asked for."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from msgspec import json

from api.collector.decode import Incoming
from bench.load.answers import Answers
from bench.load.bodies import Bodies, Body
from bench.load.ids import event_id
from bench.load.profile import Load, Profile
from bench.load.requests import Request, Requests

NOW = 1_800_000_000_000
HOUR_MS = 3_600_000


def bodies(profile: Profile, texts: int = 3) -> list[Body]:
    made = Bodies(profile, 1, lambda: NOW)
    return [body for _ in range(texts) for body in made.next()]


def events(profile: Profile, texts: int = 3) -> list[Incoming]:
    decode = json.Decoder(Incoming if profile.size == 1 else list[Incoming]).decode
    found = [decode(body.content) for body in bodies(profile, texts)]
    return found if profile.size == 1 else [event for batch in found for event in batch]  # type: ignore[return-value, attr-defined]


@pytest.mark.parametrize("size", [1, 7, 500])
def test_every_event_keeps_to_the_contract_and_is_new(size: int) -> None:
    found = events(Profile(size=size))
    assert [event.event_id for event in found[:10]] == [event_id((1 << 40) + n) for n in range(10)]
    assert len({event.event_id for event in found}) == len(found)
    assert len({event.visitor_id for event in found}) > len(found) * 0.8
    assert len({event.user_agent for event in found}) > 20
    assert len({event.country for event in found}) > 5


def test_bodies_differ_in_more_than_a_few_bytes() -> None:
    first, *_ = bodies(Profile(), 1)
    again = bodies(Profile(), 33)[32]
    a, b = (np.frombuffer(body.content, np.uint8) for body in (first, again))
    assert len(a) == len(b)
    assert (a != b).mean() > 0.1


def test_the_same_seed_gives_the_same_bodies() -> None:
    assert bodies(Profile(seed=4)) == bodies(Profile(seed=4))
    assert bodies(Profile(seed=4)) != bodies(Profile(seed=5))


def test_a_visitor_keeps_country_address_and_user_agent() -> None:
    found = events(Profile(visitors=10_000), 40)
    seen: dict[str | None, set[tuple[str | None, ...]]] = {}
    for event in found:
        seen.setdefault(event.visitor_id, set()).add((event.country, event.ip, event.user_agent))
    assert len(seen) < 10_000
    assert all(len(own) == 1 for own in seen.values())


def test_a_share_is_late() -> None:
    found = events(Profile(late_ratio=0.2, late_hours=10), 20)
    ages = [NOW - event.ts for event in found if isinstance(event.ts, int)]
    assert sum(age > 2_000 for age in ages) / len(ages) == pytest.approx(0.2, abs=0.02)
    assert max(ages) <= 10 * HOUR_MS + 2_000


def requests(profile: Profile, keys: int, many: int) -> tuple[Requests, list[Request]]:
    load = Load(collectors=[], keys=[f"key-{n}" for n in range(keys)], profile=profile, seconds=1, rate=1000)
    made = Requests(load, lambda: NOW)
    return made, list(islice(iter(lambda: made.next(0.0), None), many))


def test_a_hot_site_gets_its_share() -> None:
    made, _ = requests(Profile(size=1, hot_ratio=0.6), 20, 5_000)
    counted = Counter(made.sites)
    assert counted[0] / len(made.sites) == pytest.approx(0.6, abs=0.03)
    assert set(counted) == set(range(20))


def test_some_requests_are_sent_again_as_they_were() -> None:
    _, sent = requests(Profile(size=1, duplicate_ratio=0.1), 3, 5_000)
    again = [request for request in sent if request.again]
    assert len(again) / len(sent) == pytest.approx(0.1, abs=0.02)
    first = {request.number: request.content for request in sent if not request.again}
    assert all(first[request.number] == request.content for request in again)


def test_what_failed_is_tried_again_when_its_time_has_come() -> None:
    made, [one] = requests(Profile(size=1), 1, 1)
    made.fail(one, 5.0)
    assert made.failed(4.9) is None
    assert made.failed(5.0) == one
    assert not made.has_failed


def test_answers_are_counted_once_for_each_request() -> None:
    answers = Answers(10)
    one = Request(0, b"", 1.0)
    for request in (one, sent_again(one)):
        answers.sent(request)
        assert answers.answered(request, 202, b'{"accepted":10,"refused":[]}', 1.5)
    assert (answers.accepted, answers.requests, answers.again) == (10, 2, 1)
    assert not answers.answered(one, 202, b'{"accepted":9,"refused":[{', 2.0)
    assert not answers.answered(one, 503, b"", 2.0)
    assert answers.statuses == {"202": 2, "202 in part": 1, "503": 1}
    assert answers.quantiles()["p50"] == pytest.approx(0.5)


def sent_again(request: Request) -> Request:
    return request._replace(again=True)
