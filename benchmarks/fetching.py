"""Do slow hosts hold up a job? Scores URLs of a slow server on loopback, against a plain loop.

    python benchmarks/fetching.py [--urls 64] [--wait 0.2] [--output FILE]

Every answer takes ``--wait`` seconds. One after the other, the pictures take urls x wait; the job
takes as long as the limits of connections say. Both must give the same scores.
"""

import argparse
import json
import time
from pathlib import Path

import pyarrow as pa

from pairsift import score_table
from pairsift.config import ModelConfig, ScoreConfig, SourceConfig
from tests.hostile_web import HostileWeb


def score(cells: list[str], config: ScoreConfig) -> tuple[list[float], float]:
    table = pa.table({"image": cells, "caption": ["a red square"] * len(cells)})
    begin = time.perf_counter()
    scored = score_table(table, config=config)
    seconds = time.perf_counter() - begin
    statuses = set(scored["similarity_status"].to_pylist())
    assert statuses == {"ok"}, statuses
    return scored["similarity"].to_pylist(), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--urls", type=int, default=64)
    parser.add_argument("--wait", type=float, default=0.2)
    parser.add_argument("--per-host", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with HostileWeb() as server:
        cells = [server.url(f"/good/{i}?wait={arguments.wait}") for i in range(arguments.urls)]
        results = []
        for per_host in arguments.per_host:
            source = SourceConfig(
                allow_urls=True, allow_host=(server.place,), connections_per_host=per_host
            )
            config = ScoreConfig(model=ModelConfig(model="storybook-small"), source=source)
            score(cells[:1], config)  # the model is compiled once, not timed
            server.most_at_once = 0
            values, seconds = score(cells, config)
            results.append(
                {
                    "connections_per_host": per_host,
                    "seconds": round(seconds, 2),
                    "most_at_once": server.most_at_once,
                    "one_after_the_other": arguments.urls * arguments.wait,
                }
            )
            assert len(set(values)) == 1
            print(json.dumps(results[-1]))
    if arguments.output:
        arguments.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
