"""Scoring with a built-in model reaches nothing beyond this machine; and that would be seen."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.check_no_network import Reached, find_reached

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "check_no_network.py"
LINES = """\
812 connect(5<UDP:[812]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("192.0.2.1")}, 16) = 0
812 connect(6<TCP:[814]>, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), \
inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 EINPROGRESS
813 sendmmsg(7<UDP:[10.0.0.2:4000->192.0.2.53:53]>, [{msg_hdr={msg_name=NULL, msg_namelen=0}}], 2) = 2
813 sendto(8<UDPv6:[[fd00::2]:4000->[2001:db8::2]:99]>, ""..., 4, 0, NULL, 0) = 4
813 connect(9<UNIX-STREAM:[90]>, {sa_family=AF_UNIX, sun_path="/run/nscd/socket"}, 110) = -1 ENOENT
814 sendto(3<NETLINK:[815]>, [{nlmsg_len=20}], 20, 0, {sa_family=AF_NETLINK}, 12) = 20
814 connect(4<TCP:[816]>, {sa_family=AF_INET, sin_port=htons(6379), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
814 connect(4<TCPv6:[817]>, {sa_family=AF_INET6, sin6_port=htons(1), sin6_flowinfo=htonl(0), \
inet_pton(AF_INET6, "::ffff:127.0.0.1", &sin6_addr), sin6_scope_id=0}, 28) = 0
814 sendto(4<TCP:[127.0.0.1:4000->127.0.0.1:6379]>, ""..., 9, MSG_NOSIGNAL, NULL, 0) = 9
815 connect(5<UDP:[818]>, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0
"""  # noqa: E501 - as strace writes them


def works(*command: str) -> bool:
    """Return whether a command is here and allowed."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


IN_A_NAMESPACE = works("unshare", "-rn", "true")
needs_strace = pytest.mark.skipif(
    not works("strace", "-o", "/dev/null", "true"), reason="strace does not run here"
)


def test_what_strace_says_is_understood() -> None:
    found = find_reached(LINES.splitlines())
    beyond = {reached for reached in found if not reached.is_within}
    assert beyond == {
        Reached("192.0.2.1", 80, "UDP", "connect"),
        Reached("2001:db8::1", 443, "TCP", "connect"),
        Reached("192.0.2.53", 53, "UDP", "sendmmsg"),
        Reached("2001:db8::2", 99, "UDPv6", "sendto"),
        Reached("127.0.0.53", 53, "UDP", "connect"),  # a name server on this machine asks others
    }
    assert len(found) == 8
    assert {reached for reached in beyond if not reached.is_beyond} == {
        Reached("192.0.2.1", 80, "UDP", "connect"),  # a route was looked up, nothing sent
        Reached("127.0.0.53", 53, "UDP", "connect"),
    }


def watch(*command: str) -> subprocess.CompletedProcess[str]:
    # A network without a route: what a command tries is seen, and never leaves this machine.
    alone = ["unshare", "-rn"] if IN_A_NAMESPACE else []
    watched = [sys.executable, str(SCRIPT), *alone, sys.executable, *command]
    return subprocess.run(watched, capture_output=True, text=True, check=False, timeout=300)


@needs_strace
@pytest.mark.slow
def test_scoring_reaches_nothing(tmp_path: Path) -> None:
    book = tmp_path / "book"
    command = ["storybook", str(book), "--pairs", "40", "--seed", "5"]
    subprocess.run([sys.executable, "-m", "pairsift", *command], check=True, capture_output=True)
    done = watch(
        "-m", "pairsift", "score", str(book / "pairs.csv"), "-o", str(tmp_path / "scored.csv"),
        "--model", "storybook-small",
    )  # fmt: skip
    assert "exit code 0; beyond loopback: 0" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


@needs_strace
@pytest.mark.slow
@pytest.mark.skipif(not IN_A_NAMESPACE, reason="no network namespaces here")
def test_an_import_that_asks_for_a_name_is_seen(tmp_path: Path) -> None:
    """As OpenVINO's does, in a process of its own."""
    module = tmp_path / "curious.py"
    module.write_text(
        "import socket, subprocess, sys\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        "        socket.create_connection(('192.0.2.1', 443), 1)\n"
        "    except OSError:\n"
        "        pass\n"
        "else:\n"
        "    subprocess.run([sys.executable, __file__], check=True)\n",
        encoding="utf-8",
    )
    done = watch("-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import curious")
    assert "connect TCP 192.0.2.1 port 443" in done.stdout
    assert done.returncode == 1
