"""The small built-in model at int8, made once."""

from pathlib import Path

import pytest

from pairsift.quantizing.reporting import QuantizeReport
from tests.quantizing.books import draw_book, quantize


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> str:
    return draw_book(tmp_path_factory.mktemp("int8") / "book", faults="broken-image=0.05")


@pytest.fixture(scope="session")
def made(book: str) -> QuantizeReport:
    pytest.importorskip("nncf")
    return quantize("storybook-small", book, Path(book).parent / "small-int8")


@pytest.fixture
def folder(made: QuantizeReport) -> Path:
    assert made.folder is not None
    return made.folder
