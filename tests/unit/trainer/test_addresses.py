"""Where the fetch step may connect: public addresses, private ones that a policy lists, the metadata service never."""

from ipaddress import ip_address

import pytest

from coppice.trainer.addresses import address_allowed, host_allowed

NOWHERE = ("127.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10", "fd00::/8")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("models.example.org", True),
        ("MODELS.example.org.", True),
        ("a.cdn.example.org", True),
        ("cdn.example.org", False),
        ("evilmodels.example.org", False),
        ("models.example.org.evil.test", False),
        ("", False),
    ],
)
def test_a_host_is_listed_by_name_or_as_a_subdomain(host: str, allowed: bool) -> None:
    assert host_allowed(host, ["models.example.org", "*.cdn.example.org"]) is allowed


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1"])
def test_public_addresses_need_no_list(address: str) -> None:
    assert address_allowed(ip_address(address), ())


PRIVATE = ["127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "100.64.0.1", "::1", "fd12::1", "::ffff:10.1.2.3"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused_unless_listed(address: str) -> None:
    assert not address_allowed(ip_address(address), ())
    networks = ["127.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "100.64.0.0/10", "::1/128", "fd00::/8"]
    assert address_allowed(ip_address(address), networks)


METADATA = ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "0.0.0.0"]


@pytest.mark.parametrize("address", METADATA)
def test_link_local_and_metadata_addresses_are_refused_even_when_listed(address: str) -> None:
    assert not address_allowed(ip_address(address), (*NOWHERE, "0.0.0.0/0", "::/0"))
