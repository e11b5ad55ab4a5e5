"""Tokens that open the live view: who signed them, for whom, for which site, until when."""

import base64
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from api.live.token import LEEWAY_S, Claims, Tokens
from api.problems import Unauthenticated
from pulse.errors import SettingError
from pulse.settings import Settings

SECRET = "a secret of thirty-two bytes or more"
PRIVATE = generate_private_key(65_537, 2_048)
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
SOON = int(time.time()) + 3_600
GOOD: dict[str, Any] = {"site": "shop", "aud": "pulse-live", "exp": SOON}


def tokens(key: str = SECRET, algorithm: str = "HS256", **more: str) -> Tokens:
    return Tokens(
        Settings.model_validate(
            {"live_jwt_key": key, "live_jwt_algorithm": algorithm} | {f"live_{n}": v for n, v in more.items()}
        )
    )


def signed(claims: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm)


def with_claims(claims: Any) -> str:
    """A token that is signed as it should be, whatever it says."""
    return jwt.PyJWS().encode(json.encode(claims), SECRET, "HS256")


def by_hand(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token that no library would make."""
    parts = (json.encode(header), json.encode(claims), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def test_a_token_says_which_site_and_until_when_whichever_way_it_is_signed() -> None:
    found = Claims("shop", (SOON + LEEWAY_S) * 1000)
    assert tokens().claims(signed(GOOD)) == found
    assert tokens().claims(signed(GOOD | {"aud": ["other", "pulse-live"], "sub": "ada", "nbf": 1})) == found
    more = {"iat": SOON - 7_200.5, "nbf": 0.5, "jti": "a", "iss": 5, "name": None}
    assert tokens().claims(with_claims(GOOD | more)) == found
    public = PUBLIC.replace("\n", "\\n")
    assert tokens(public, "RS256").claims(signed(GOOD, PRIVATE, "RS256")) == found
    assert tokens(jwt_audience="mine").claims(signed(GOOD | {"aud": "mine"})) == found


NO_MOMENTS: tuple[Any, ...] = ("soon", str(SOON - 7_200), True, None, [1], {})
NO_TEXTS: tuple[Any, ...] = (5, None, ["ada"], {})
NO_AUDIENCES: tuple[Any, ...] = (5, [5], {"pulse-live": 1})
NO_CLAIMS: tuple[Any, ...] = ([], 5, None)
WRONG = [
    (signed(GOOD | {"exp": int(time.time()) - LEEWAY_S - 1}), "expired"),
    (signed(GOOD | {"nbf": SOON}), "not yet valid"),
    (signed(GOOD | {"aud": "another"}), "udience"),
    (signed({"site": "shop", "aud": "pulse-live"}), "exp"),
    (signed({"site": "shop", "exp": SOON}), "aud"),
    (signed({"aud": "pulse-live", "exp": SOON}), "site"),
    (signed(GOOD | {"site": 5}), "no site"),
    (signed(GOOD | {"site": ""}), "no site"),
    (signed(GOOD | {"site": "a\0b"}), "no site"),
    (signed(GOOD | {"exp": "soon"}), "exp"),
    (signed(GOOD | {"exp": 1e400}), "not taken"),
    *((with_claims(GOOD | {name: value}), "exp|nbf|iat") for name in ("exp", "nbf", "iat") for value in NO_MOMENTS),
    (with_claims(GOOD | {"iat": SOON}), r"not yet valid \(iat\)"),
    *((with_claims(GOOD | {"sub": value}), "Subject must be a string") for value in NO_TEXTS),
    *((with_claims(GOOD | {"jti": value}), "JWT ID must be a string") for value in NO_TEXTS),
    *((with_claims(GOOD | {"aud": value}), "claim format") for value in NO_AUDIENCES),
    *((with_claims(claims), "json object") for claims in NO_CLAIMS),
    (by_hand({"alg": ["HS256"]}, GOOD), "alg"),
    (by_hand({"alg": "HS256", "kid": 5}, GOOD), "Key ID"),
    (signed(GOOD, SECRET + "!"), "Signature"),
    (signed(GOOD, SECRET * 2, "HS512"), "alg"),
    (by_hand({"alg": "none", "typ": "JWT"}, GOOD), "alg"),
    (by_hand({"alg": "None"}, GOOD), "alg"),
    (by_hand({"typ": "JWT"}, GOOD), "Algorithm"),
    (by_hand({"alg": "HS256"}, GOOD, b"none"), "Signature"),
    (signed(GOOD, PRIVATE, "RS256"), "alg"),
    (signed(GOOD)[:-2], "not taken"),
    ("..", "not taken"),
    ("nonsense", "not taken"),
]


@pytest.mark.parametrize(("token", "said"), WRONG, ids=map(str, range(len(WRONG))))
def test_a_token_that_is_not_to_be_believed_is_refused_with_the_reason(token: str, said: str) -> None:
    with pytest.raises(Unauthenticated, match=said):
        tokens().claims(token)


def test_a_public_key_is_no_secret_by_which_tokens_may_be_made() -> None:
    rs = tokens(PUBLIC, "RS256")
    forged = by_hand({"alg": "HS256"}, GOOD, b"x")
    for token in (forged, by_hand({"alg": "none"}, GOOD), signed(GOOD, generate_private_key(65_537, 2_048), "RS256")):
        with pytest.raises(Unauthenticated):
            rs.claims(token)


@given(st.text(max_size=200), st.binary(max_size=50))
def test_whatever_is_sent_is_refused_with_a_reason(text: str, bytes: bytes) -> None:
    for token in (text, f"{text}.{text}.", by_hand({"alg": "HS256"}, {"site": text}, bytes)):
        with pytest.raises(Unauthenticated):
            tokens().claims(token)


@pytest.mark.parametrize(
    ("key", "algorithm", "said"),
    [
        ("too short", "HS256", "32 bytes"),
        (PUBLIC, "HS256", "no key of HS256"),
        (SECRET, "RS256", "no key of RS256"),
        (PEM, "RS256", "private"),
    ],
    ids=["short", "PEM", "secret", "private"],
)
def test_a_key_that_is_none_is_refused_at_the_start(key: str, algorithm: str, said: str) -> None:
    with pytest.raises(SettingError, match=said) as refused:
        tokens(key, algorithm)
    assert key not in str(refused.value)


def test_without_a_key_no_token_is_taken() -> None:
    with pytest.raises(Unauthenticated, match="PULSE_LIVE_JWT_KEY"):
        tokens("").claims(signed(GOOD))
