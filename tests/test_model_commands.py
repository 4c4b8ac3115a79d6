"""`pairsift models …` on the records and on a tiny checkpoint."""

import json
from pathlib import Path

import pytest

from pairsift.cli import run
from pairsift.model_commands import known_models, say
from pairsift.models import RECORDS
from tests.word_checkpoint import write_word_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models") / "tiny"
    write_word_checkpoint(place, "siglip")
    return place


def test_the_list_for_people_and_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in RECORDS)
    assert max(len(line.rstrip()) for line in told.splitlines()) <= 80
    assert run(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == known_models()


def test_a_record_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "show", "siglip2-base-patch32-256"]) == 0
    told = capsys.readouterr().out
    assert "google/siglip2-base-patch32-256" in told
    assert "Apache-2.0" in told
    assert run(["models", "show", "siglip2-base-patch32-256", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"]["context_length"] == 64


def test_a_folder_is_shown_with_the_recipe_of_its_own_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "show", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["family"] == "siglip"


@pytest.mark.parametrize("command", ["show", "pull", "check"])
def test_an_unknown_model_names_the_nearest(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", command, "clip-vit-base-patch33"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert "clip-vit-base-patch32" in told.err


def test_pulling_offline_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["models", "pull", "clip-vit-large-patch14", "--offline"]
    assert run([*arguments, "--cache-dir", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert "clip-vit-large-patch14" in told.err


def test_a_sound_folder_passes_and_says_what_it_could_not_check(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "check", str(folder), "--precision", "fp32"]) == 0
    told = capsys.readouterr()
    assert "sound, as far as it was checked" in told.out
    assert "not checked" in told.out


def test_a_folder_that_is_no_checkpoint_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "check", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_is_told_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    say("available: a\x1b[2Jb,\nc")
    assert capsys.readouterr().err == "available: a\N{REPLACEMENT CHARACTER}[2Jb,\nc\n"
