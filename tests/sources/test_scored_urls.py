"""A real `pairsift score` of a table of URLs."""

import base64
import csv
from pathlib import Path
from urllib.parse import quote

import pytest

from pairsift.cli import run
from tests.hostile_web import PICTURE, HostileWeb


def score(folder: Path, cells: list[str], *options: str) -> list[tuple[str, str]]:
    """Return status and similarity of each row."""
    table = folder / "pairs.csv"
    if not table.exists():  # or it would count as changed
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([("image", "caption"), *((cell, "red") for cell in cells)])
    out = folder / "scored.csv"
    code = run(["score", str(table), "-o", str(out), "--runtime", "fake", *options])
    assert code == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == cells
    return [(row["similarity_status"], row["similarity"]) for row in rows]


def test_urls_score_as_files_do(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    with HostileWeb() as server, HostileWeb() as other:
        cells = [
            "a.png",
            server.url("/good"),
            server.url("/redirect?to=/good"),
            server.url("/status/404"),
            server.url("/hang"),
            server.url("/robots?says=noai"),
            other.url("/good"),
            server.url("/good"),
        ]
        allowed = ["--allow-urls", "--allow-host", server.place, "--fetch-timeout-seconds", "4"]
        scored = score(tmp_path, cells, *allowed)
        assert [status for status, _ in scored] == [
            "ok", "ok", "ok", "image_not_found", "image_fetch_timeout", "image_opted_out",
            "image_not_allowed", "ok",
        ]  # fmt: skip
        assert {similarity for status, similarity in scored if status == "ok"} == {scored[0][1]}
        assert server.paths["/good"] == 2  # the one named twice was fetched once
        assert other.num_accepted == 0
        scored = score(tmp_path, cells, *allowed, "--allow-host", other.place, "--overwrite")
        assert scored[6] == scored[0]


def test_every_kind_of_text_reference_scores_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    text = base64.b64encode(PICTURE).decode()
    with HostileWeb() as server:
        cells = [
            "a.png",
            str(tmp_path / "a.png"),
            server.url("/good"),
            text,
            f"data:image/png;base64,{text}",
            f"data:,{quote(PICTURE)}",
        ]
        scored = score(tmp_path, cells, "--allow-urls", "--allow-host", server.place)
        assert scored == [("ok", scored[0][1])] * len(cells)


def test_what_failed_is_fetched_again(tmp_path: Path) -> None:
    with HostileWeb() as server:
        cells = [server.url("/good"), server.url("/busy?code=500"), server.url("/status/404")]
        allowed = ["--allow-urls", "--allow-host", server.place, "--fetch-retries", "0"]
        first = score(tmp_path, cells, *allowed)
        assert [status for status, _ in first] == ["ok", "image_http_error", "image_not_found"]
        again = score(tmp_path, cells, *allowed, "--retry", "image_http_error")
        assert again == [first[0], first[0], first[2]]
        assert dict(server.paths) == {"/good": 1, "/busy": 2, "/status/404": 1}


@pytest.mark.parametrize("options", [[], ["--allow-urls", "--offline"]])
def test_nothing_is_asked_for_unless_allowed(tmp_path: Path, options: list[str]) -> None:
    with HostileWeb() as server:
        scored = score(tmp_path, [server.url("/good")], "--allow-host", server.place, *options)
        assert scored == [("image_not_allowed", "")]
        assert server.num_accepted == 0


def test_a_bad_option_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("image,caption\na.png,b\n")
    arguments = ["score", str(table), "-o", str(tmp_path / "b.csv"), "--runtime", "fake"]
    assert run([*arguments, "--allow-urls", "--allow-host", "nowhere"]) == 2
    assert "--allow-host 'nowhere'" in capsys.readouterr().err
    assert not (tmp_path / "b.csv").exists()
