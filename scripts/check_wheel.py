"""Does the built wheel install and work alone, and with each extra?

    python scripts/check_wheel.py [--extras ,cloud,curate] [--constraint FILE] [--out FILE]

builds the wheel, installs it into a new virtual environment for every extra, and runs real
commands there, in an empty folder, with nothing of this clone on the path. Without an extra, the
command that needs it has to end with one line that says how to install it. A package index is
needed.
"""

import argparse
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SCORE = "score book/pairs.csv -o scored.csv --model storybook-small --overwrite"
TORCH = "score book/pairs.csv -o torch.csv --model storybook-small --runtime torch --overwrite"
BUCKET = "score bucket.csv -o bucket-scored.csv --allow-bucket s3://bucket --overwrite"
BUCKET += " --model storybook-small --max-failed 0"


@dataclass(frozen=True)
class Smoke:
    """What shows that an extra works.

    Args:
        commands: Of ``pairsift``, or ``python`` and a file; they have to end well.
        without: The one of them that has to name the extra where it is not installed.
    """

    commands: tuple[str, ...]
    without: str
    outputs: tuple[str, ...] = field(default=())


MORE = "storybook more --pairs 400 --seed 6"  # 60 are too few to set ranges and to judge them
QUANTIZE = "models quantize storybook-small --calibrate more/pairs.csv -o int8"
INT8 = "score book/pairs.csv -o int8.csv --model ./int8 --max-failed 0"
RAY = "score book/pairs.csv -o ray.csv --model storybook-small --engine ray --overwrite"
SPARK = "python on_spark.py"
ON_SPARK = """
import csv, os, sys
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
os.environ["PYSPARK_PYTHON"] = sys.executable  # not whatever python3 the PATH has
try:
    from pairsift import spark
except ImportError as error:
    sys.exit(str(error))
from pairsift.config import ModelConfig, ScoreConfig, TableConfig
from pyspark.sql import SparkSession
session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
model, table = ModelConfig(model="storybook-small"), TableConfig(image_root="book")
config = ScoreConfig(model=model, table=table)
rows = list(csv.DictReader(open("book/pairs.csv")))
scored = spark.score(session.createDataFrame(rows), config=config).collect()
assert [row.similarity_status for row in scored] == ["ok"] * 60
session.stop()
"""

SMOKES = {
    "cloud": Smoke((BUCKET,), BUCKET, ("bucket-scored.csv",)),
    "curate": Smoke(
        ("report scored.csv -o report.html", "audit scored.csv"),
        "report scored.csv -o report.html",
        ("report.html",),
    ),
    "quantize": Smoke((MORE, QUANTIZE, INT8), QUANTIZE, ("int8.csv",)),
    "ray": Smoke((RAY,), RAY, ("ray.csv",)),
    "spark": Smoke((SPARK,), SPARK),
    "torch": Smoke((TORCH,), TORCH, ("torch.csv",)),
}


class Shop(http.server.BaseHTTPRequestHandler):
    """An S3 bucket with pictures in it, as far as reading goes."""

    pictures = Path()

    def do_GET(self) -> None:
        """Answer with a picture."""
        data = (self.pictures / self.path.removeprefix("/bucket/")).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", self.date_time_string(0))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def bucket(pictures: Path) -> Iterator[dict[str, str]]:
    """Serve pictures on loopback; yields the environment that leads there."""
    Shop.pictures = pictures
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_REGION": "us-east-1",
    }
    server.shutdown()


class Place:
    """A virtual environment with the wheel, and an empty folder to work in.

    Args:
        folder: Made.
        wheel: To install.
        extra: To install with it, or nothing.
        options: Of pip.
    """

    def __init__(self, folder: Path, wheel: Path, extra: str, options: list[str]) -> None:
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        self.bin = folder / "venv" / "bin"
        run([sys.executable, "-m", "venv", str(folder / "venv")])
        empty = size_mb(folder / "venv")
        begin = time.perf_counter()
        wanted = f"{wheel}[{extra}]" if extra else str(wheel)
        run([str(self.bin / "python"), "-m", "pip", "install", "--quiet", *options, wanted])
        self.seconds = time.perf_counter() - begin
        self.size_mb = size_mb(folder / "venv") - empty
        self.environment: dict[str, str] = {}

    def pairsift(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the installed pairsift; as a user would, so without our settings."""
        names = ("PATH", "HOME", "LANG", "JAVA_HOME")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        words = command.split()
        program = words.pop(0) if words[0] == "python" else "pairsift"
        return subprocess.run(
            [str(self.bin / program), *words],
            cwd=self.work,
            env=kept | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, command: str) -> None:
        """Run a command that has to end well."""
        done = self.pairsift(command)
        if done.returncode:
            raise SystemExit(f"pairsift {command}: exit code {done.returncode}\n{done.stderr}")


def run(command: list[str]) -> None:
    """Run a tool that has to end well; without this clone's source on its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")


def size_mb(folder: Path) -> float:
    """Return the disk space of a folder, as ``du`` counts it, in MB of 2^20 bytes."""
    files = (path.lstat() for path in folder.rglob("*"))
    blocks = {status.st_ino: status.st_blocks for status in files}
    return sum(blocks.values()) * 512 / (1 << 20)


def declared_extras() -> list[str]:
    """Return the extras of pyproject.toml.

    Raises:
        SystemExit: One has no smoke commands here.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = sorted(project["optional-dependencies"])
    if unknown := sorted(set(extras) - set(SMOKES)):
        raise SystemExit(f"no smoke commands for extras: {', '.join(unknown)}")
    return extras


def check(place: Place, extra: str, extras: list[str]) -> dict[str, Any]:
    """Run what has to work, and what has to name the missing extra; return the figures."""
    place.must("storybook book --pairs 60 --seed 5")
    place.must(SCORE)
    scored = (place.work / "scored.csv").read_text(encoding="utf-8").splitlines()
    if len(scored) != 61 or not all(",ok," in line for line in scored[1:]):
        raise SystemExit("the built-in model did not score every pair")
    rows = ["image,caption", *(f"s3://bucket/{n:03}/{n:06}.jpg,a boat" for n in (0, 0))]
    (place.work / "bucket.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (place.work / "on_spark.py").write_text(ON_SPARK, encoding="utf-8")
    told = {}
    with bucket(place.work / "book" / "images") as environment:
        place.environment = environment
        if extra:
            for command in SMOKES[extra].commands:
                place.must(command)
            for name in SMOKES[extra].outputs:
                if not (place.work / name).is_file():
                    raise SystemExit(f"[{extra}] wrote no {name}")
        for other in extras if not extra else []:
            done = place.pairsift(SMOKES[other].without)
            lines = done.stderr.strip().splitlines() or [""]
            line = " ".join(" ".join(lines).split())
            wanted = f'pip install "pairsift[{other}]"'
            if done.returncode == 0 or wanted not in line or "Traceback" in line:
                raise SystemExit(f"without [{other}] it said: {done.stderr}")
            told[other] = line
    return {
        "extra": extra,
        "size_mb": round(place.size_mb, 1),
        "install_seconds": round(place.seconds, 1),
        "says_when_missing": told,
    }


def main() -> None:
    """Build, install, run, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--extras", help="names with commas between; empty is none of them")
    parser.add_argument("--constraint", help="for pip: FILE with exact versions")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    extras = declared_extras()
    wanted = ["", *extras] if args.extras is None else args.extras.split(",")
    options = ["--constraint", args.constraint] if args.constraint else []
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", scratch, str(ROOT)]
        )
        (wheel,) = folder.glob("*.whl")
        for extra in wanted:
            place = Place(folder / f"with-{extra or 'nothing'}", wheel, extra, options)
            results.append(check(place, extra, extras))
            print(json.dumps(results[-1]), flush=True)
    if args.out:
        args.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
