"""Which network addresses may be reached: the public ones, looked at where a socket is opened.

Checking a name beforehand is no use: it may resolve to something else a moment later (DNS
rebinding). So the check stands in front of the socket itself, for names and literals alike.
"""

import errno
import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]
"""Family, type, protocol, canonical name and socket address, as ``getaddrinfo`` gives them."""

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # RFC 4291: an IPv4 address in IPv6 clothes
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: where a network has IPv6 only
_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291: all that IANA has given out
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "2002::/16",  # 6to4 (RFC 7526: deprecated), holds any IPv4 address
        "2001::/32",  # Teredo (RFC 4380), likewise
        "3fff::/20",  # documentation (RFC 9637)
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "192.0.0.0/24",  # protocol assignments (RFC 6890), a cloud's metadata among them
        "168.63.129.16/32",  # Azure's platform service, reachable from inside only
    )
)


class BlockedAddressError(OSError):
    """A socket to an address that is not public was asked for; none was opened."""


def why_not_public(address: str) -> str | None:
    """Return why an address must not be connected to, or None if it may be.

    Args:
        address: As it stands in a socket address; an IPv6 scope is ignored.

    Example:
        >>> why_not_public("8.8.8.8")
        >>> why_not_public("::ffff:127.0.0.1")
        'not a public address'
    """
    try:
        ip: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "not an IP address"
    if isinstance(ip, ipaddress.IPv6Address) and (ip in _MAPPED or ip in _NAT64):
        ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    is_public = ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
    if isinstance(ip, ipaddress.IPv6Address):
        # Deny what is not known: later Pythons know more special ranges than earlier ones, and
        # IPv4-compatible, site-local and other old forms all lie outside.
        is_public = is_public and ip in _UNICAST and not _is_isatap(ip)
    if not is_public or any(ip in network for network in _NEVER if network.version == ip.version):
        # One sentence for all, so that several addresses of a name fail as one.
        return "not a public address"
    return None


def open_public_socket(info: AddressInfo) -> socket.socket:
    """Open a socket, unconnected, if the address it will be connected to is public.

    Args:
        info: Where it will be connected to.

    Raises:
        BlockedAddressError: The address is not public.
    """
    family, kind, protocol, _, address = info
    if reason := why_not_public(address[0]):
        raise BlockedAddressError(errno.EACCES, reason)
    return socket.socket(family=family, type=kind, proto=protocol)


def _is_isatap(ip: ipaddress.IPv6Address) -> bool:
    # RFC 5214: an interface identifier that holds an IPv4 address.
    return (int(ip) >> 32) & 0xFDFFFFFF == 0x00005EFE
