"""Calls to a real receiver on this machine: what is connected to, what is read, when it ends."""

import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pulse.outbound.address import Address, networks
from pulse.outbound.call import READ_BYTES, Answer, Caller
from tests.receiving import CLOSE, CUT, DRIP, ENDLESS, HANG, PART, Behaviour, Reply, receiving

HERE = networks("127.0.0.0/8")
NAME = "hooks.example.org"


async def here(_: str) -> Sequence[Address]:
    """A resolver by which every name is this machine's."""
    return [ip_address("127.0.0.1")]


async def called(behaviour: Behaviour, total_s: float = 8.0) -> tuple[Answer, int]:
    """A call's answer, and how much of an endless body was taken."""
    with receiving({"/x": [behaviour]}) as receiver:
        async with Caller(HERE, here, total_s=total_s) as caller:
            answer = await caller.post(receiver.url("/x", NAME), {"x-own": "1"}, b"{}")
        assert len(receiver.got) == 1
        return answer, receiver.sent


async def test_the_name_stays_in_the_request_and_the_connection_goes_to_what_was_checked() -> None:
    with receiving({}) as receiver:
        async with Caller(HERE, here) as caller:
            answer = await caller.post(receiver.url("/a?b=c", NAME), {"x-own": "1"}, b'{"a":1}')

    assert (answer.status, answer.body, answer.error) == (200, b"ok", "")
    request = receiver.got[0]
    assert (request.path, request.body) == ("/a?b=c", b'{"a":1}')
    assert request.headers["host"] == f"{NAME}:{receiver.port}"
    assert request.headers["x-own"] == "1"
    assert request.headers["user-agent"].startswith("pulse/")


async def test_a_name_that_leads_elsewhere_a_moment_later_is_not_followed() -> None:
    answers = [["127.0.0.1"], ["8.8.8.8"]]

    async def rebinding(_: str) -> Sequence[Address]:
        return [ip_address(each) for each in answers.pop(0)]

    with receiving({}) as receiver:
        async with Caller((), rebinding) as caller:
            first = await caller.post(receiver.url("/", NAME), {}, b"")
        assert "leads to an address that is this machine" in first.error
        assert "127.0.0.1" not in first.error
        assert answers == [["8.8.8.8"]]
    assert receiver.got == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[::ffff:127.0.0.1]", "127.0.0.1."])
async def test_this_machine_is_not_called_unless_that_is_allowed(host: str) -> None:
    with receiving({}) as receiver:
        async with Caller() as caller:
            answer = await caller.post(f"http://{host}:{receiver.port}/", {}, b"")

    assert answer.status is None
    assert answer.error
    assert receiver.got == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["http://169.254.169.254/latest/meta-data/", "/inside", "http://10.0.0.1/"])
async def test_a_redirect_is_an_answer_and_leads_nowhere(status: int, place: str) -> None:
    with receiving({"/x": [Reply(status, {"location": place})]}) as receiver:
        async with Caller(HERE) as caller:
            answer = await caller.post(receiver.url("/x"), {}, b"")

    assert answer.status == status
    assert [each.path for each in receiver.got] == ["/x"]


async def test_a_receiver_that_hangs_or_drips_is_left_in_time() -> None:
    for behaviour in (HANG, DRIP):
        begun = time.monotonic()
        answer, _ = await called(behaviour, total_s=0.3)
        assert answer.status is None
        assert answer.error == "no answer within 0.3 s"
        assert time.monotonic() - begun < 5


async def test_of_a_body_of_a_gigabyte_a_kilobyte_is_kept_and_next_to_nothing_read() -> None:
    answer, sent = await called(ENDLESS)

    assert (answer.status, answer.body, answer.error) == (200, b"x" * READ_BYTES, "")
    assert sent < 200 * len(PART)


async def test_who_hangs_up_is_told_apart_by_whether_there_was_an_answer() -> None:
    closed, _ = await called(CLOSE)
    cut, _ = await called(CUT)

    assert closed.status is None
    assert "disconnected" in closed.error
    assert cut.status == 200
    assert cut.error


async def test_nobody_listens() -> None:
    async with Caller(HERE) as caller:
        answer = await caller.post("http://127.0.0.1:1/", {}, b"")

    assert answer.status is None
    assert "ConnectError" in answer.error


async def test_tls_goes_by_the_name(tmp_path: Path) -> None:
    certificate = made_certificate(tmp_path, NAME)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with receiving({}, serving) as receiver:
        async with Caller(HERE, here, trusting) as caller:
            right = await caller.post(f"https://{NAME}:{receiver.port}/", {}, b"")
            wrong = await caller.post(f"https://other.example.org:{receiver.port}/", {}, b"")
        async with Caller(HERE, here) as caller:
            unknown = await caller.post(f"https://{NAME}:{receiver.port}/", {}, b"")

    assert right.status == 200, right.error
    assert "CERTIFICATE_VERIFY_FAILED" in wrong.error
    assert "CERTIFICATE_VERIFY_FAILED" in unknown.error


def made_certificate(folder: Path, name: str) -> Path:
    """A file with a key and a certificate of this name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "certificate.pem"
    file.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return file
