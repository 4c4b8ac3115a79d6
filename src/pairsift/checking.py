"""Does this model, on this machine, do what it should?

Checksums, recipe and invariants refuse. Fingerprint and canaries refuse where the model's own
figures are on record (in its card, or shipped with pairsift); elsewhere canaries can only warn.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pairsift import cards, locks
from pairsift.build import choose_runtime
from pairsift.config import ModelConfig
from pairsift.errors import ModelError, WeightsError
from pairsift.fingerprints import (
    CanaryFigures,
    Fingerprint,
    ask_canaries,
    canary_figures_from_plain,
    fingerprint_from_plain,
    greatest_distance,
    take_fingerprint,
)
from pairsift.invariants import Check, Outcome, check_invariants, judge
from pairsift.locks import ModelLock, PinnedFile
from pairsift.models import BUILT_IN, DATA, RECORDS, derive_record
from pairsift.protocols import Encoder
from pairsift.records import LocalModel

FIGURES = DATA / "fingerprints"
"""Cards of known models of the hub, recorded where there was a network (``NAME.json``)."""

# float16 storage moves a unit row by at most 5e-4, another runtime at fp32 by 1e-5; noise of a
# tenth of each tensor's deviation moves it by more than 1e-2 (see the tests).
FINGERPRINT_DISTANCE = 1e-3
# Figures are taken at fp32 and hold at bf16 up to a canary or two that stood on the edge.
EASY_SLACK, HARD_SLACK, MARGIN_SLACK = 1, 3, 0.1
EASY_EXPECTED = 0.75
# Another precision against fp32, over all 16 x 16 pairs: bf16 moves a row by some 2e-2.
DRIFT_DISTANCE, DRIFT_SIMILARITY = 0.1, 0.02
# Half of the fixed rows at int8. The farthest says nothing: they are unlike the pairs that set the
# ranges, and 3 of 16 pictures move by 0.3 where 500 pairs of the user's move by 0.1 at most. What
# decides is the drift on these, when it is made. Broken towers move all rows by about 1.
INT8_DISTANCE = 0.1
# Another processor rounds a last bit the other way, and one rounding moves a row by about this.
INT8_FINGERPRINT_DISTANCE = 5e-2


@dataclass(frozen=True)
class CheckReport:
    """What ``pairsift models check`` found.

    Args:
        model: Its name.
        precision: What ran.
        checks: In the order in which they were made.
    """

    model: str
    precision: str
    checks: tuple[Check, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing refuses the model."""
        return not self.failed

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that refuse the model."""
        return tuple(check.name for check in self.checks if check.outcome is Outcome.FAIL)

    def require_sound(self) -> None:
        """Raise unless the model is sound.

        Raises:
            ModelError: A check refuses it.
        """
        if not self.is_sound:
            raise ModelError(f"{self.model} is refused: {', '.join(self.failed)}; see above")

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = [f"{self.model} at {self.precision}"]
        lines += [f"  {c.outcome:<11}  {c.name:<{width}}  {c.words}" for c in self.checks]
        verdict = "sound, as far as it was checked" if self.is_sound else "REFUSED"
        return "\n".join([*lines, f"{self.model}: {verdict}"])

    def __rich__(self) -> str:
        """Let a rich console print the words instead of the fields."""
        return str(self)


def check_model(model: LocalModel, config: ModelConfig) -> CheckReport:
    """Prove a model: checksums, recipe, invariants, fingerprint, canaries, drift.

    Args:
        model: As ``resolve_model`` gave it.
        config: How it runs; the fingerprint is always taken at fp32.

    Returns:
        Every check with its outcome; nothing is raised for a model that is merely wrong.

    Raises:
        ModelError: The towers cannot be built at all.
    """
    card = cards.read_card(model.folder)
    figures = card or shipped_figures(model)
    checks = [_check_sums(model, card), _check_recipe(model, card)]
    encoder = open_encoder(model, config)
    try:
        for item in _run_checks(encoder, model, config, figures):
            checks.append(item)  # noqa: PERF402 - those before an error are kept
    except RuntimeError as error:  # rows that are not finite, or a shape that does not fit
        words = str(error).strip().splitlines()
        checks.append(judge("runs", holds=False, words=words[-1] if words else "it does not run"))
    return CheckReport(model.record.name, encoder.provenance.precision, tuple(checks))


def _run_checks(
    encoder: Encoder, model: LocalModel, config: ModelConfig, figures: dict[str, Any] | None
) -> Iterable[Check]:
    yield from check_invariants(encoder, model.record.text)
    exact = encoder
    if encoder.provenance.precision == "int8":
        # There is no fp32 in such a folder; its own fingerprint is of the int8 towers.
        now = take_fingerprint(encoder)
        yield _check_fingerprint(now, figures, limit=INT8_FINGERPRINT_DISTANCE)
        yield _check_canaries(encoder, figures, built_in=False)
        yield _check_int8_drift(now, figures)
        return
    if encoder.provenance.precision != "fp32":
        exact = open_encoder(model, replace(config, precision="fp32"))
    now = take_fingerprint(exact)
    yield _check_fingerprint(now, figures)
    yield _check_canaries(encoder, figures, built_in=model.record.name in BUILT_IN)
    yield _check_drift(now, encoder)


def record_figures(model: LocalModel, config: ModelConfig) -> dict[str, Any]:
    """Return the card of a model that is known to be right, with fingerprint and canary figures.

    Args:
        model: The model.
        config: How it runs; always at fp32.
    """
    encoder = open_encoder(model, replace(config, precision="fp32"))
    card = cards.make_card(model)
    card["fingerprint"] = take_fingerprint(encoder).to_plain()
    with_hard = model.record.name in BUILT_IN
    card["canaries"] = ask_canaries(encoder, with_hard=with_hard).to_plain()
    return card


def open_encoder(model: LocalModel, config: ModelConfig) -> Encoder:
    """Return the encoder that would score with a model whose files are at hand."""
    if choose_runtime(config) == "torch":
        from pairsift.encoders import torch  # noqa: PLC0415 - an extra

        return torch.open_encoder(model, config)
    from pairsift.encoders.openvino import OpenVinoEncoder  # noqa: PLC0415 - heavy

    return OpenVinoEncoder(model, config)


def shipped_figures(model: LocalModel) -> dict[str, Any] | None:
    """Return the figures of a known model, if they are of these very weights."""
    path = FIGURES / f"{model.record.name}.json"
    if model.record.name not in RECORDS or not path.is_file():
        return None
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return card if card["record"]["revision"] == model.record.revision else None


def _check_sums(model: LocalModel, card: dict[str, Any] | None) -> Check:
    if card is not None:
        lock = cards.card_lock(card, model.folder)
    elif model.record.repo is not None:
        lock = ModelLock(model.record.repo, None, model.record.revision, tuple(_pins(model)))
    else:
        words = "no checksums are on record for a folder of one's own"
        return Check("checksums", Outcome.NOT_CHECKED, words)
    if missing := locks.missing_files(lock, model.folder):
        return judge("checksums", holds=False, words=f"missing: {', '.join(missing)}")
    try:
        locks.verify_files(lock, model.folder, verify="all")
    except WeightsError as error:
        return judge("checksums", holds=False, words=str(error))
    size = sum(file.size for file in lock.files)
    words = f"{len(lock.files)} files, {size / 1e6:,.1f} MB"
    return judge("checksums", holds=True, words=words, bytes=size)


def _pins(model: LocalModel) -> Iterable[PinnedFile]:
    for file in model.record.files:
        if file.sha256 is not None and file.size is not None:
            yield PinnedFile(file.path, file.sha256, file.size)


def _check_recipe(model: LocalModel, card: dict[str, Any] | None) -> Check:
    """Compare what will be done to pictures and captions with the files and with the card."""
    record = model.record
    derived = derive_record(model.folder, name=record.name, lowercase=record.text.lowercase)
    sources = {"its own files": {k: getattr(derived, k) for k in ("image", "text", "width")}}
    if card is not None:
        sources["its card"] = card["record"]
    wrong = []
    for source, stated in sources.items():
        for field in ("image", "text", "width"):
            now, then = _plain(getattr(record, field)), _plain(stated[field])
            if now != then:
                wrong.append(f"{_differing(field, now, then)} by {source}")
    if wrong:
        return judge("recipe", holds=False, words="; ".join(wrong))
    words = f"{record.image.describe()}; {record.text.describe()}; as {' and '.join(sources)} say"
    return judge("recipe", holds=True, words=words)


def _plain(value: Any) -> Any:
    """Return a recipe as JSON gives it back: lists for tuples."""
    return json.loads(json.dumps(value if isinstance(value, int | dict) else asdict(value)))


def _differing(field: str, now: Any, then: Any) -> str:
    if not isinstance(now, dict):
        return f"{field} is {now}, but {then}"
    parts = [f"{k} is {v}, but {then.get(k)}" for k, v in now.items() if v != then.get(k)]
    return ", ".join(parts)


def _check_fingerprint(
    now: Fingerprint, figures: dict[str, Any] | None, *, limit: float = FINGERPRINT_DISTANCE
) -> Check:
    plain = (figures or {}).get("fingerprint")
    if plain is None:
        return Check("fingerprint", Outcome.NOT_CHECKED, "none is on record for this model")
    then = fingerprint_from_plain(plain)
    if then.inputs != now.inputs:
        words = "this machine draws the fixed pictures differently (another Pillow?)"
        return Check("fingerprint", Outcome.NOT_CHECKED, words)
    if then.images.shape != now.images.shape:
        return judge("fingerprint", holds=False, words=f"of another width: {then.images.shape[1]}")
    images = greatest_distance(now.images, then.images)
    texts = greatest_distance(now.texts, then.texts)
    return judge(
        "fingerprint",
        holds=max(images, texts) <= limit,
        words=f"pictures {images:.1e} and captions {texts:.1e} from the record",
        images=images,
        texts=texts,
    )


def _check_canaries(encoder: Encoder, figures: dict[str, Any] | None, *, built_in: bool) -> Check:
    plain = (figures or {}).get("canaries")
    known = None if plain is None else canary_figures_from_plain(plain)
    now = ask_canaries(encoder, with_hard=built_in or bool(known and known.num_hard))
    words = f"{now.easy_right} of {now.num_easy} easy"
    words += f", {now.hard_right} of {now.num_hard} hard" if now.num_hard else ""
    words += f", mean margin {now.margin:.3f}"
    numbers = {name: float(value) for name, value in now.to_plain().items()}
    if known is not None:
        words += f"; on record {known.easy_right}, {known.hard_right}, {known.margin:.3f}"
        holds = _as_good(now, known)
        return Check("canaries", Outcome.PASS if holds else Outcome.FAIL, words, numbers)
    if now.easy_right >= EASY_EXPECTED * now.num_easy:
        return Check("canaries", Outcome.PASS, words, numbers)
    words += "; no figures are on record, so this may be how the model is"
    return Check("canaries", Outcome.WARN, words, numbers)


def _as_good(now: CanaryFigures, known: CanaryFigures) -> bool:
    return (
        now.easy_right >= known.easy_right - EASY_SLACK
        and now.hard_right >= known.hard_right - HARD_SLACK
        and now.margin >= known.margin - MARGIN_SLACK * abs(known.margin)
    )


def _check_drift(exact: Fingerprint, encoder: Encoder) -> Check:
    if encoder.provenance.precision == "fp32":
        return Check("drift", Outcome.NOT_CHECKED, "it runs at fp32: there is nothing to compare")
    now = take_fingerprint(encoder)
    apart = max(
        greatest_distance(exact.images, now.images), greatest_distance(exact.texts, now.texts)
    )
    similarity = float(np.abs(exact.images @ exact.texts.T - now.images @ now.texts.T).max())
    return judge(
        "drift",
        holds=apart <= DRIFT_DISTANCE and similarity <= DRIFT_SIMILARITY,
        words=f"rows {apart:.1e}, similarities {similarity:.1e} from fp32",
        distance=apart,
        similarity=similarity,
    )


def _check_int8_drift(now: Fingerprint, figures: dict[str, Any] | None) -> Check:
    """Hold int8 towers against the fp32 fingerprint of the model that they were made from."""
    made = (figures or {}).get("quantization")
    if made is None:
        return Check("drift", Outcome.NOT_CHECKED, "its card does not say what it was made from")
    exact = fingerprint_from_plain(made["source"]["fingerprint"])
    if exact.inputs != now.inputs or exact.images.shape != now.images.shape:
        words = "this machine draws the fixed pictures differently (another Pillow?)"
        return Check("drift", Outcome.NOT_CHECKED, words)
    moved = np.linalg.norm(
        np.concatenate([exact.images - now.images, exact.texts - now.texts]), axis=1
    )
    half, farthest = float(np.median(moved)), float(moved.max())
    drift = made["drift"]
    return judge(
        "drift",
        holds=half <= INT8_DISTANCE,
        words=(
            f"half of the rows within {half:.1e} of {made['source']['name']} at fp32, the farthest "
            f"{farthest:.1e}; of its maker's {drift['num_pairs']} pairs 99 % within "
            f"{drift['shift_p99']:.4f}, ranks {drift['rank_agreement']:.4f}"
        ),
        median=half,
        farthest=farthest,
    )


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write a card beside its model."""
    text = json.dumps(card, indent=1) + "\n"
    locks.write_whole(folder / cards.CARD_FILE, text, replace=True)
