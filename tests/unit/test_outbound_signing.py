"""What receivers verify: by the library of Standard Webhooks, and by the plainer form."""

import hashlib
import hmac
import json
import time
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from pulse.outbound import signing

SECRETS = st.binary(min_size=24, max_size=64).map(lambda key: signing.PREFIX + b64encode(key).decode())


@settings(max_examples=20)
@given(SECRETS, st.dictionaries(st.text(max_size=10), st.integers(), max_size=5))
def test_the_library_verifies_it_and_nothing_that_was_changed(secret: str, data: dict[str, int]) -> None:
    body = json.dumps(data).encode()
    headers = signing.headers("msg_1", int(time.time()), body, [secret])

    assert Webhook(secret).verify(body, headers) == data
    flipped = body[:-1] + bytes([body[-1] ^ 1])
    for changed, its in ((flipped, headers), (body, headers | {"webhook-id": "msg_2"})):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(changed, its)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.make_secret()).verify(body, headers)


def test_an_old_message_is_refused_and_a_new_attempt_is_not() -> None:
    secret, now = signing.make_secret(), int(time.time())
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b"{}", signing.headers("msg_1", now - 3_600, b"{}", [secret]))
    assert Webhook(secret).verify(b"{}", signing.headers("msg_1", now, b"{}", [secret])) == {}


def test_the_plain_form_is_recomputed_from_timestamp_and_body() -> None:
    secret = signing.make_secret()
    headers = signing.headers("msg_1", 1_790_000_000, b'{"a":1}', [secret])

    assert headers["x-pulse-timestamp"] == "1790000000"
    expected = hmac.new(secret.encode(), b'1790000000.{"a":1}', hashlib.sha256).hexdigest()
    assert headers["x-pulse-signature"] == expected


def test_a_fixed_message_is_signed_as_ever() -> None:
    """The example of the specification at https://github.com/standard-webhooks/standard-webhooks."""
    headers = signing.headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_two_secrets_are_valid_each_verifies() -> None:
    secrets = [signing.make_secret(), signing.make_secret()]
    headers = signing.headers("msg_1", int(time.time()), b"{}", secrets)

    for secret in secrets:
        assert Webhook(secret).verify(b"{}", headers) == {}
    assert len(headers["x-pulse-signature"].split()) == 2


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_AAAA", "A" * 32, "whsec_" + "A" * 31 + "!", "whsec_" + "A" * 100]
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="must be whsec_"):
        signing.bytes_of(secret)
