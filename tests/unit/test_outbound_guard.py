"""Addresses of private networks and clouds' metadata are refused in every form, by name and by redirect."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from pulse.outbound.address import Address, Refused, networks, refusal
from pulse.outbound.resolve import checked
from pulse.outbound.target import target_of

PRIVATE = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
    *("127.0.0.1", "127.1.2.3", "127.255.255.255", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1"),
    *("192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.250"),
    *("240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b::10.1.2.3", "64:ff9b:1::1", "100::1", "5f00::1"),
    *("2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1", "2001:db8::1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:1::1", "2620:4f:8000::1", "3fff::1", "fc00::1", "fd00:ec2::254"),
    *("fd20:ce::254", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff05::1:3", "4000::1", "e000::1"),
    *("2a01:4f8::5efe:10.0.0.1", "2a01:4f8::200:5efe:7f00:1", "fd00::5efe:808:808", "fe80::5efe:808:808"),
    *("ff02::5efe:808:808", "fd00::200:5efe:808:808"),
)
PUBLIC = (
    *("1.1.1.1", "8.8.8.8", "11.0.0.1", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1"),
    *("169.253.255.255", "172.15.255.255", "172.32.0.1", "192.167.255.255", "192.169.0.1", "223.255.255.255"),
    *("2606:4700:4700::1111", "2a01:4f8::1", "64:ff9b::808:808", "::ffff:8.8.8.8", "2a01:4f8::5efe:808:808"),
)

OTHER_FORMS = (
    *("http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/"),
    *("http://127.1/", "http://127.0.1/", "http://0/", "http://0x7f.1/", "http://00000177.1/", "http://2852039166/"),
    *("http://0xA9FEA9FE/", "http://0xa9.0xfe.0xa9.0xfe/", "http://0251.0376.0251.0376/", "http://169.254.43518/"),
    *("http://127.0.0.1./", "http://10.0.0.1./", "http://2130706433./", "http://0x/", "http://1.1.1.1.1/"),
    *("http://256.256.256.256/", "http://4294967296/", "http://-1/", "http://127.0.0.1:80@evil.example/"),
    *("http://user@127.0.0.1/", "http://user:password@example.org/", "http://example.org@127.0.0.1/"),
    *(
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[0:0:0:0:0:ffff:7f00:1]/",
        "http://[::7f00:1]/",
    ),
    *("http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1%25lo]/", "http://[fd00:ec2::254]/"),
    *(
        "http://[2002:a9fe:a9fe::]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[::1]:22/",
        "http://[127.0.0.1]/",
        "http://[v1.x]/",
    ),
    *("http://１２７.0.0.1/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://127.0.0.1%2f.example.org/"),
    *("http://%31%32%37.0.0.1/", "http://127.0.0.1\\@example.org/", "http://127.0.0.1 /", "http://\t127.0.0.1/"),
    *(
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
        "http://:80/",
        "http:///",
        "http:127.0.0.1",
        "//127.0.0.1/",
        "",
    ),
    *(
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "javascript:alert(1)",
        "unix:///run/docker.sock",
    ),
    *(
        "http://exa mple.org/",
        "http://example..org/",
        "http://-example.org/",
        "http://example.org/a b",
        "http://example.org/é",
    ),
    *("http://example.org/\r\nHost: x", "https://" + "a" * 64 + ".org/", "https://example.org/" + "a" * 2_000),
)


def url_of(address: str) -> str:
    """The address with a scheme."""
    return f"https://[{address}]/hook" if ":" in address else f"https://{address}/hook"


def resolving(*addresses: str) -> "Answering":
    """A resolver that gives these for every name."""
    return Answering([ip_address(each) for each in addresses])


class Answering:
    """A resolver with one answer, that notes what it is asked."""

    def __init__(self, answer: Sequence[Address]) -> None:
        self._answer = answer
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        return self._answer


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_directly_and_by_name(address: str) -> None:
    with pytest.raises(Refused):
        target_of(url_of(address))
    for answer in ((address,), ("8.8.8.8", address), (address, "2606:4700:4700::1111")):
        with pytest.raises(Refused, match="leads to") as told:
            asyncio.run(checked("example.org", (), resolving(*answer)))
        assert f" {ip_address(address)}," not in str(told.value)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_called_as_it_is(address: str) -> None:
    assert target_of(url_of(address)).address == ip_address(address)
    assert asyncio.run(checked("example.org", (), resolving(address))) == [ip_address(address)]


@pytest.mark.parametrize("url", OTHER_FORMS)
def test_what_programs_read_differently_is_no_address(url: str) -> None:
    with pytest.raises(Refused):
        target_of(url)


def test_the_tables_are_long_enough() -> None:
    assert len(set(PRIVATE)) >= 60
    assert len(set(OTHER_FORMS)) >= 60


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://example.org", "example.org", 443, "/", "example.org"),
        ("HTTPS://EXAMPLE.org./a?b=c#d", "example.org", 443, "/a?b=c", "example.org"),
        ("http://example.org:80/", "example.org", 80, "/", "example.org"),
        ("http://example.org:8080/%20", "example.org", 8080, "/%20", "example.org:8080"),
        ("https://bücher.example/", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
        ("https://[2a01:4f8::0001]:8443/x", "2a01:4f8::1", 8443, "/x", "[2a01:4f8::1]:8443"),
        ("https://hooks.slack.com/services/T0/B0/x", "hooks.slack.com", 443, "/services/T0/B0/x", "hooks.slack.com"),
    ],
)
def test_an_address_is_taken_apart_once(url: str, host: str, port: int, path: str, authority: str) -> None:
    found = target_of(url)

    assert (found.host, found.port, found.path, found.authority) == (host, port, path, authority)
    assert target_of(found.url) == found


def test_networks_may_be_allowed_and_no_more_than_these() -> None:
    allowed = networks("127.0.0.0/8, fd00:1::/32,")

    assert target_of("http://127.0.0.1:8000/", allowed).host == "127.0.0.1"
    assert target_of("http://[::ffff:127.0.0.1]/", allowed).port == 80
    assert refusal(ip_address("fd00:1::5"), allowed) is None
    for other in ("http://10.0.0.1/", "http://[::1]/", "http://[fd00:2::1]/"):
        with pytest.raises(Refused):
            target_of(other, allowed)
    with pytest.raises(ValueError, match="does not appear"):
        networks("everything")


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(Refused, match="has no address"):
        asyncio.run(checked("example.org", (), resolving()))
