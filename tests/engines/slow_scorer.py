"""A scorer whose encoder takes its time, so that something can happen to who runs it."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pairsift.config import ScoreConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.measures import find_measure
from pairsift.protocols import FloatArray, TokenizedCaption
from pairsift.scoring import PairScorer
from pairsift.sources import Sources


class SlowEncoder(FakeEncoder):
    def __init__(self, build: "SlowBuild") -> None:
        super().__init__()
        self._build = build

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        time.sleep(self._build.seconds)
        hang = self._build.hang_once
        if hang is not None:
            with suppress(FileExistsError):
                Path(hang).touch(exist_ok=False)
                time.sleep(3600)
        return super().encode_texts(captions)


@dataclass(frozen=True)
class SlowBuild:
    """Builds scorers.

    Args:
        seconds: That a call of the encoder takes.
        hang_once: A file that says that it has hung already; the first call then never returns.
    """

    seconds: float = 0.05
    hang_once: str | None = None

    def __call__(self, config: ScoreConfig, root: Path) -> PairScorer:
        encoder = SlowEncoder(self)
        return PairScorer(
            encoder=encoder,
            measure=find_measure(config.measure, encoder.record),
            sources=Sources(root, config.image),
            image_config=config.image,
            details=config.output.details,
        )
