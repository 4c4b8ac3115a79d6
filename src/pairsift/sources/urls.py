"""Which URLs may be asked for: scheme, host and port, before a name is looked up."""

import re
from dataclasses import dataclass

from yarl import URL

from pairsift.config import SourceConfig
from pairsift.errors import ImageError, UsageError
from pairsift.statuses import RowStatus

OPEN_PORTS = frozenset({80, 443})
MAX_URL_LENGTH = 8000  # characters; RFC 9110, section 4.1, asks servers to take that many

# What libraries that resolve names would read as an IPv4 address: its last part is a number.
_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)\.?", re.IGNORECASE)
_CANONICAL = re.compile(r"(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}")
_HOST_AND_PORT = re.compile(r"\[?([^\[\]/@\s]+?)\]?:(\d{1,5})")


@dataclass(frozen=True)
class Target:
    """One request's worth of URL.

    Args:
        url: Normalised, without a fragment.
        place: Host and port, for counting.
        is_named: The user named this host and port, so it may be private.
    """

    url: URL
    place: str
    is_named: bool


def named_places(config: SourceConfig) -> frozenset[str]:
    """Return the hosts of ``--allow-host`` as ``Target.place`` writes them.

    Raises:
        UsageError: One is not NAME:PORT.

    Example:
        >>> sorted(named_places(SourceConfig(allow_host=("Localhost:8000", "[::1]:80"))))
        ['::1:80', 'localhost:8000']
    """
    found = set()
    for text in config.allow_host:
        match = _HOST_AND_PORT.fullmatch(text)
        if match is None or not 0 < int(match[2]) < 65536:
            message = f"--allow-host {text!r}: give NAME:PORT, such as images.example.org:8080"
            raise UsageError(message)
        found.add(_place(match[1].lower(), int(match[2])))
    return frozenset(found)


def check_url(text: str, named: frozenset[str], *, base: URL | None = None) -> Target:
    """Return what to ask for, or refuse it.

    Args:
        text: A URL, or with ``base`` a reference relative to it.
        named: From ``named_places``.
        base: The URL that redirected here.

    Raises:
        ImageError: Its scheme, host or port is not one that is fetched.
    """
    if len(text) > MAX_URL_LENGTH:
        raise _refusal(f"the URL has more than {MAX_URL_LENGTH} characters")
    try:
        url = URL(text) if base is None else base.join(URL(text))
        host, port = url.raw_host, url.port
    except ValueError as error:
        raise _refusal(f"malformed URL: {error}") from error
    if url.scheme not in ("http", "https"):
        raise _refusal(f"leads to {url.scheme}:, which is not fetched")
    if not host or port is None:
        raise _refusal("malformed URL: no host")
    if url.user is not None or url.password is not None:
        raise _refusal("URLs with a user or a password are not fetched")
    place = _place(host.lower().rstrip("."), port)
    is_named = place in named
    if ":" not in host and _NUMERIC.fullmatch(host) and not _CANONICAL.fullmatch(host):
        reason = f"{host} is a number, not a name or a plain IP address"
        raise ImageError(RowStatus.IMAGE_BLOCKED, reason)
    if port not in OPEN_PORTS and not is_named:
        raise _refusal(f"port {port} is not fetched from (hint: --allow-host)")
    return Target(url.with_fragment(None), place, is_named)


def _place(host: str, port: int) -> str:
    return f"{host}:{port}"


def _refusal(reason: str) -> ImageError:
    return ImageError(RowStatus.IMAGE_NOT_ALLOWED, reason)
