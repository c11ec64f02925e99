"""Where a request may go: decided at connect, on the address that is connected to.

A name is resolved once, each address is judged, and the connection is made to one that passed. How the
URL was spelled plays no part, so decimal hosts, redirects and names that change their address are
covered by construction.
"""

import socket
import threading
import time
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from aggregator.errors import ForbiddenAddress, Unreachable

_LEAST_SECONDS = 0.05

SocketAddress = tuple[socket.AddressFamily, tuple[str | int, ...]]
"""Address family and what `socket.connect` takes."""

Resolver = Callable[[str, int], list[SocketAddress]]
"""Host and port to socket addresses, best first. Raises OSError where the name has none."""

# IANA IPv4 special-purpose registry, and what clouds keep for themselves in public ranges.
_FORBIDDEN_4 = {
    IPv4Network("0.0.0.0/8"): "this machine",
    IPv4Network("10.0.0.0/8"): "a private network",
    IPv4Network("100.64.0.0/10"): "a provider's inner network",
    IPv4Network("127.0.0.0/8"): "this machine",
    IPv4Network("168.63.129.16/32"): "a cloud's inner service",
    IPv4Network("169.254.0.0/16"): "a link-local address",
    IPv4Network("172.16.0.0/12"): "a private network",
    IPv4Network("192.0.0.0/24"): "a reserved address",
    IPv4Network("192.0.2.0/24"): "an address for documentation",
    IPv4Network("192.88.99.0/24"): "a reserved address",
    IPv4Network("192.168.0.0/16"): "a private network",
    IPv4Network("198.18.0.0/15"): "a test network",
    IPv4Network("198.51.100.0/24"): "an address for documentation",
    IPv4Network("203.0.113.0/24"): "an address for documentation",
    IPv4Network("224.0.0.0/4"): "a multicast address",
    IPv4Network("240.0.0.0/4"): "a reserved address",
}

# Only 2000::/3 is given out to the public; these parts of it are not.
_PUBLIC_6 = IPv6Network("2000::/3")
_FORBIDDEN_6 = {
    IPv6Network("2001::/23"): "a reserved address",
    IPv6Network("2001:db8::/32"): "an address for documentation",
    IPv6Network("2002::/16"): "a 6to4 address, which RFC 7526 took leave of",
    IPv6Network("3fff::/20"): "an address for documentation",
}

# IPv6 networks whose addresses end in an IPv4 address.
_EMBEDDED = (
    IPv6Network("::ffff:0:0/96"),  # IPv4-mapped, RFC 4291
    IPv6Network("64:ff9b::/96"),  # NAT64, RFC 6052
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214: the IPv4 address follows these 32 bits


Judge = Callable[[str], str | None]
"""An IP address to what is wrong with connecting to it, or None."""


def anywhere(_address: str) -> None:
    """Object to nothing: for sources that may reach private networks, and for proxies."""


def objection(address: str) -> str | None:
    """What an IP address is, if it is none of the public internet; None if it may be connected to."""
    plain = address.partition("%")[0]
    if ":" not in plain:
        return _objection_4(IPv4Address(plain))
    six = IPv6Address(plain)
    inner = _objection_4(IPv4Address(int(six) & 0xFFFFFFFF))
    if any(six in network for network in _EMBEDDED):
        return inner
    if six not in _PUBLIC_6:
        return (
            "this machine"
            if six.is_loopback or six.is_unspecified
            else "not an address of the public internet"
        )
    if int(six) >> 32 & 0xFFFFFFFF in _ISATAP and inner:
        return inner
    return next((reason for network, reason in _FORBIDDEN_6.items() if six in network), None)


def _objection_4(address: IPv4Address) -> str | None:
    return next((reason for network, reason in _FORBIDDEN_4.items() if address in network), None)


def literal(host: str, port: int) -> list[SocketAddress]:
    """The address that a host name spells (in any form that the system reads), or nothing."""
    try:
        return _lookup(host, port, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []


def resolve(host: str, port: int) -> list[SocketAddress]:
    """Ask the system's resolver. Raises OSError."""
    try:
        return _lookup(host, port, 0)
    except UnicodeError as error:
        raise OSError(f"no such name: {error}") from None


def _lookup(host: str, port: int, flags: int) -> list[SocketAddress]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, (str(address[0]), *address[1:])) for family, _, _, _, address in found]


def connect(
    host: str, port: int, *, seconds: float, judge: Judge = objection, resolver: Resolver = resolve
) -> socket.socket:
    """Connect to the first address of `host` that `judge` lets pass and that answers, within `seconds`.

    Raises ForbiddenAddress if no address may be reached, Unreachable if none answers.
    """
    deadline = time.monotonic() + seconds
    found = literal(host, port) or _resolve(host, port, seconds, resolver)
    addresses = _permitted(host, found, judge)
    failure = ""
    for number, (family, address) in enumerate(addresses):
        left = deadline - time.monotonic()
        if number and left <= 0:  # a name may have thousands
            break
        left = max(_LEAST_SECONDS, left / (len(addresses) - number))
        try:
            return _open(family, address, left)
        except TimeoutError:
            failure = f"it did not answer within {seconds:.2g} s"
        except OSError as error:
            failure = (error.strerror or str(error)).lower()
    raise Unreachable(f"cannot connect to {host} port {port}: {failure}; tried again later")


def _open(family: socket.AddressFamily, address: tuple[str | int, ...], seconds: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def _permitted(host: str, addresses: list[SocketAddress], judge: Judge) -> list[SocketAddress]:
    objections = [judge(str(address[0])) for _, address in addresses]
    permitted = [one for one, objected in zip(addresses, objections, strict=True) if objected is None]
    if permitted:
        return permitted
    address = str(addresses[0][1][0])
    named = host if host == address else f"{host} ({address})"
    raise ForbiddenAddress(
        f"{named} is {objections[0]}; set allow_private_networks = true for this source if that is meant"
    )


def _resolve(host: str, port: int, seconds: float, resolver: Resolver) -> list[SocketAddress]:
    """Resolve on a thread of its own: the system's resolver has no deadline.

    A daemon thread, so that a lookup that hangs does not keep the program from ending.
    """
    found: list[SocketAddress] = []
    errors: list[OSError] = []

    def look_up() -> None:
        try:
            found.extend(resolver(host, port))
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=look_up, name=f"resolve {host}", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        reason = errors[0].strerror or str(errors[0])
        raise Unreachable(f"cannot find the host {host} ({reason}); check the address and the network")
    if not found:
        raise Unreachable(f"no answer to the question where {host} is; check the network and its DNS")
    return found
