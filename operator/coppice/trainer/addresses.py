"""Which hosts and addresses the fetch step may talk to.

A name is allowed by the policy's list, an address by what it is: public ones always, loopback and private ones only
inside a network that the policy lists, link-local ones (the cloud's metadata service) never. Both are checked again
after each redirect, and the connection goes to the very address that was checked, so a name that answers differently
the second time gains nothing.
"""

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from coppice.api.result import Reason
from coppice.trainer.faults import TrainerError

Address = IPv4Address | IPv6Address

# Metadata services that are not link-local: Oracle and Alibaba use public-looking or shared ranges.
METADATA = frozenset({ip_address("100.100.100.200"), ip_address("192.0.0.192"), ip_address("fd00:ec2::254")})


NAT64 = IPv6Network("64:ff9b::/96")


def host_allowed(host: str, patterns: Iterable[str]) -> bool:
    """Whether a host is listed, by name or by `*.domain`."""
    host = host.lower().rstrip(".")
    for pattern in patterns:
        wanted = pattern.lower()
        if host == wanted or (wanted.startswith("*.") and host.endswith(wanted[1:])):
            return True
    return False


def address_allowed(address: Address, networks: Iterable[str]) -> bool:
    """Whether an address is public, or private inside a listed network; link-local and metadata never are."""
    address = _unwrapped(address)
    if address.is_link_local or address in METADATA or address.is_multicast or address.is_unspecified:
        return False
    if address.is_global:
        return True
    return any(address in ip_network(network, strict=False) for network in networks)


def checked_address(host: str, port: int, networks: Iterable[str]) -> str:
    """The address to connect to, when every address that the name stands for is allowed.

    Raises TrainerError: SourceUnreachable when the name is not known, HostDenied when an address is not allowed.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TrainerError(Reason.SOURCE_UNREACHABLE, f"{host} cannot be resolved: {error}") from error
    networks = tuple(networks)
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not address_allowed(ip_address(address.split("%")[0]), networks):
            message = f"{host} stands for {address}, which is no public address and in no network of allowedNetworks"
            raise TrainerError(Reason.HOST_DENIED, message)
    return addresses[0]


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries (mapped, 6to4, NAT64), since that is where packets end up."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
