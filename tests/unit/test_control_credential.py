"""Keys: made, recognised, verified."""

from hypothesis import given
from hypothesis import strategies as st

from api.control import credential

SECRET = b"a secret of the server"


def test_a_key_says_of_which_kind_it_is() -> None:
    assert credential.make(public=False).startswith("pulse_prod_")
    assert credential.make(public=True).startswith("pulse_site_")
    assert all(credential.has_shape(credential.make(public)) for public in (True, False))


def test_no_two_keys_are_the_same() -> None:
    assert len({credential.make(public=False) for _ in range(1000)}) == 1000


@given(st.text(max_size=60))
def test_no_other_text_is_taken_for_a_key(text: str) -> None:
    assert not credential.has_shape(text)
    assert not credential.has_shape(f"pulse_prod_{'a' * 32}{text or '_'}")


def test_a_fingerprint_depends_on_key_and_secret_and_shows_neither() -> None:
    one, other = credential.make(public=False), credential.make(public=False)
    found = credential.fingerprint(SECRET, one)

    assert found == credential.fingerprint(SECRET, one)
    assert found != credential.fingerprint(SECRET, other)
    assert found != credential.fingerprint(b"another", one)
    assert one[11:] not in found


def test_a_hash_verifies_its_own_key_alone() -> None:
    key = credential.make(public=False)
    hashed = credential.slow_hash(key)

    assert credential.verify(key, hashed)
    assert not credential.verify(credential.make(public=False), hashed)
    assert key[11:] not in hashed


def test_the_same_key_is_hashed_with_a_new_salt() -> None:
    key = credential.make(public=False)

    assert credential.slow_hash(key) != credential.slow_hash(key)


def test_a_broken_hash_verifies_nothing() -> None:
    key = credential.make(public=False)

    assert not credential.verify(key, "")
    assert not credential.verify(key, "scrypt$0$0$0$$")
    assert not credential.verify(key, "scrypt$a$b$c$d$e")
    assert not credential.verify(key, credential.slow_hash(key)[:-4])


def test_what_is_shown_of_a_key_leaves_most_of_it_unknown() -> None:
    key = credential.make(public=False)

    assert key.startswith(credential.shown(key))
    assert len(key) - len(credential.shown(key)) == 26
