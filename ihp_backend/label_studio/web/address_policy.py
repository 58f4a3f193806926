"""Address policy: the network addresses from which an image may be fetched.

The address of an image is written by whoever imports tasks. Without a check, a task could make the server
read what only the server can reach: services on the local network or the cloud's metadata service.
"""

from __future__ import annotations

import socket
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

IPAddress = IPv4Address | IPv6Address

# Answers with credentials on a public address (Azure's host channel).
_METADATA = frozenset({ip_address("168.63.129.16"), ip_address("100.100.100.200"), ip_address("fd00:ec2::254")})
_NAT64 = IPv6Network("64:ff9b::/96")


class Reach(IntEnum):
    """Reach of a fetch; each value includes those before it."""

    PUBLIC = 0
    """Addresses of the public internet."""
    PRIVATE = 1
    """Loopback and the local network too; not link-local addresses and metadata services."""
    ANY = 2
    """Whatever the operator has named himself."""


class AddressRefused(Exception):
    """A name that leads to an address out of reach; the text says which, and why."""


def resolve(host: str, port: int, reach: Reach) -> list[str]:
    """The addresses of `host`, all of them within `reach`.

    A name with one refused address is refused as a whole: the next look-up may give that one first.

    Raises:
        AddressRefused: one of the addresses is out of reach.
        OSError: the name cannot be resolved.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"no valid host name ({error})") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in addresses:
        needed = reach_of(ip_address(text.partition("%")[0]))
        if needed > reach:
            kind = "private or loopback" if needed is Reach.PRIVATE else "link-local or metadata"
            raise AddressRefused(f"{host} leads to {text}, a {kind} address")
    return addresses


def reach_of(address: IPAddress) -> Reach:
    """The smallest reach that includes `address`."""
    address = _embedded(address)
    if address.is_link_local or address.is_multicast or address in _METADATA:
        return Reach.ANY
    return Reach.PUBLIC if address.is_global else Reach.PRIVATE


def _embedded(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
