"""Does a command, with all that it starts, reach beyond this machine?

    python scripts/check_no_network.py pairsift score pairs.csv -o scored.csv --model storybook

runs it under strace (Linux) and lists every address beyond loopback that any of its processes tried
to reach, and every question to a name server. Exit code 0: the command ended well and there was
none, but for looking up a route (a datagram socket was connected, which sends nothing; what is sent
on it counts). The environment is that of a user: nothing that says CI, pytest or "no telemetry" is
passed on, so that only what the command itself switches off is off.
"""

import argparse
import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

CALLS = "connect,sendto,sendmsg,sendmmsg"
NAME_SERVER_PORTS = (53, 853)
HIDDEN = re.compile(
    r"CI|GITHUB_.*|PYTEST_.*|.*TELEMETRY.*|.*USAGE_STATS.*|DO_NOT_TRACK|.*_OFFLINE|.*_PROXY",
    re.IGNORECASE,
)

# 812 connect(5<UDP:[812]>, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("1.2.3.4")},
CALL = re.compile(r"(?P<call>connect|sendto|sendmsg|sendmmsg)\(\d+<(?P<socket>[^>[]*)")
ADDRESS = re.compile(
    r"sin6?_port=htons\((?P<port>\d+)\).*?"
    r"(?:inet_addr\(\"(?P<four>[^\"]+)\"\)|inet_pton\(AF_INET6, \"(?P<six>[^\"]+)\")"
)
# What strace shows of a socket that is connected: <UDP:[10.0.0.1:4000->1.2.3.4:53]>.
CONNECTED = re.compile(r"->\[?(?P<address>[0-9a-fA-F.:]+?)\]?:(?P<port>\d+)\]>")


@dataclass(frozen=True, order=True)
class Reached:
    """An address that was tried.

    Args:
        address: In numbers.
        port: Likewise.
        protocol: ``TCP``, ``UDP``, … as strace names it.
        call: The system call.
    """

    address: str
    port: int
    protocol: str
    call: str

    @property
    def is_within(self) -> bool:
        """Whether it is this machine, and no name server that would ask others."""
        number = ipaddress.ip_address(self.address)
        mapped = getattr(number, "ipv4_mapped", None) or number
        is_here = mapped.is_loopback or mapped.is_unspecified
        return bool(is_here and self.port not in NAME_SERVER_PORTS)

    @property
    def is_beyond(self) -> bool:
        """Whether something went beyond this machine, or tried to."""
        return not self.is_within and not self.is_lookup

    @property
    def is_lookup(self) -> bool:
        """Whether it sent nothing: connecting a datagram socket only chooses a route."""
        return self.call == "connect" and self.protocol.startswith("UDP")

    def __str__(self) -> str:
        note = " (a route was looked up, nothing sent)" if self.is_lookup else ""
        return f"{self.call} {self.protocol} {self.address} port {self.port}{note}"


def find_reached(lines: Iterable[str]) -> Counter[Reached]:
    """Return every address in strace's lines, loopback too, with how often it was tried."""
    found: Counter[Reached] = Counter()
    for line in lines:
        call = CALL.search(line)
        if call is None:
            continue
        protocol = call["socket"].rstrip(":") or "socket"
        address = ADDRESS.search(line)
        if address is not None:
            where = address["four"] or address["six"], int(address["port"])
        elif (connected := CONNECTED.search(line)) is not None:
            where = connected["address"], int(connected["port"])
        else:
            continue  # a socket of this machine's own kinds: UNIX, NETLINK
        found[Reached(*where, protocol, call["call"])] += 1
    return found


def users_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what would make a program more careful than at a user's.

    Example:
        >>> users_environment({"CI": "true", "HF_HUB_DISABLE_TELEMETRY": "1", "PATH": "/bin"})
        {'PATH': '/bin'}
    """
    return {name: value for name, value in environment.items() if not HIDDEN.fullmatch(name)}


def watch(command: list[str]) -> tuple[int, Counter[Reached]]:
    """Run a command and return its exit code and what it tried to reach."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        strace = ["strace", "-f", "-yy", "-qq", "-s", "0", "-e", f"trace={CALLS}", "-o", str(trace)]
        done = subprocess.run([*strace, *command], env=users_environment(os.environ), check=False)
        with trace.open(encoding="utf-8", errors="replace") as lines:
            return done.returncode, find_reached(lines)


def main() -> int:
    """Run a command and say what it reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="write what was found as JSON")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="and its arguments")
    args = parser.parse_args()
    if not args.command:
        parser.error("a command is needed")
    if shutil.which("strace") is None:
        parser.error("strace is not installed")
    exit_code, found = watch(args.command)
    shown = sorted(reached for reached in found if not reached.is_within)
    num_beyond = sum(reached.is_beyond for reached in shown)
    if args.json:
        plain = [vars(one) | {"times": found[one], "is_lookup": one.is_lookup} for one in shown]
        print(json.dumps({"exit_code": exit_code, "num_beyond": num_beyond, "reached": plain}))
    else:
        for reached in shown:
            print(f"{found[reached]:6} x {reached}")
        num_calls = sum(found.values())
        print(f"exit code {exit_code}; beyond loopback: {num_beyond}; {num_calls} calls in all")
    return 1 if num_beyond or exit_code else 0


if __name__ == "__main__":
    sys.exit(main())
