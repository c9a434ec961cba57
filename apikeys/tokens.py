"""What a raw token looks like and how it is recognised (pure but for randomness)."""

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Iterable

PREFIX = "tp_"
_TOKEN = re.compile(r"tp_[A-Za-z0-9_-]{43}", re.ASCII)


def new_token() -> str:
    """Return a new raw token: a prefix that scanners can find, and 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(raw: str) -> str:
    """Return the SHA-256 of a raw token, in hex."""
    return hashlib.sha256(raw.encode()).hexdigest()


def is_token(raw: str) -> bool:
    """Tell whether the text has the form of a token."""
    return _TOKEN.fullmatch(raw) is not None


def is_ip_allowed(ip: str, networks: Iterable[str]) -> bool:
    """Tell whether an address lies in one of the networks; with no networks every address is allowed."""
    wanted = [ipaddress.ip_network(network) for network in networks]
    if not wanted:
        return True
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return any(address.version == network.version and address in network for network in wanted)
