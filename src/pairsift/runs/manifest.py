"""run.json: what a run is, written once, and what must not change when it is resumed."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pairsift import __version__
from pairsift.config import ScoreConfig, describe
from pairsift.errors import RunFolderError, UsageError
from pairsift.objects import as_address
from pairsift.protocols import EmbeddingSource, Measure
from pairsift.runs.layout import FORMAT_VERSION, RUN
from pairsift.runs.store import RunStore
from pairsift.tables.staging import local_table, origin_of


def describe_input(ordinal: int, path: Path, table_format: str) -> dict[str, Any]:
    """Return what run.json says about one input file: of a copy, what it is a copy of.

    Args:
        ordinal: Its place among the inputs.
        path: Where it lies.
        table_format: Its format's name.
    """
    if (origin := origin_of(path)) is not None:
        return {
            "ordinal": ordinal,
            "path": origin.address,
            "size": origin.size,
            "etag": origin.etag,
            "format": table_format,
        }
    status = path.stat()
    return {
        "ordinal": ordinal,
        "path": str(path.absolute()),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "format": table_format,
    }


def describe_again(item: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what run.json would say about an input now, or None where it is gone.

    Args:
        item: What it says.
    """
    try:
        return describe_input(item["ordinal"], local_table(Path(item["path"])), item["format"])
    except (UsageError, OSError):
        return None


def score_identity(
    config: ScoreConfig,
    *,
    encoder: EmbeddingSource,
    measure: Measure,
    columns: tuple[str, str],
    inputs: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return everything that a row's number and status depend on.

    Two runs with the same identity give the same scores (on one kind of processor and runtime to
    the bit), so only with the same identity may one go on where the other stopped. What merely
    decides how fast it goes, or where, is not in it.

    Args:
        config: Of the job.
        encoder: Built, so that the precision is what really runs.
        measure: Likewise, bound to the model.
        columns: Names of the image and the caption column.
        inputs: As ``describe_input`` gives them; sizes and times are left out, because a table
            may grow.
    """
    ran = encoder.provenance
    table = config.table
    return {
        "model": ran.model,
        "revision": ran.revision,
        "weights_sha256": ran.weights_sha256,
        "model_files": _model_files(encoder),
        "image_recipe": ran.image_recipe,
        "text_recipe": ran.text_recipe,
        "precision": ran.precision,
        "measure": measure.name,
        "caption_prefix": measure.caption_prefix,
        "max_image_pixels": config.image.max_image_pixels,
        "max_image_bytes": config.image.max_image_bytes,
        "exact_decode": config.image.exact_decode,
        "clean_captions": config.caption.clean_captions,
        "image_column": columns[0],
        "caption_column": columns[1],
        "caption_list": table.caption_list,
        "image_root": None if table.image_root is None else _whole(table.image_root),
        "delimiter": table.delimiter,
        "limit": table.limit,
        "sample": table.sample,
        "seed": table.seed if table.sample is not None else None,
        "inputs": [item["path"] for item in inputs],
    }


def identity_sha256(identity: Mapping[str, Any]) -> str:
    """Return the digest of a score identity, in hex."""
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return in words what differs between two score identities.

    What an earlier version did not write down is not compared.

    Example:
        >>> differences({"measure": "cosine", "limit": None}, {"measure": "logit", "limit": None})
        ['measure was cosine, now logit']
    """
    words = []
    for name, old in before.items():
        new = now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            changed = [part for part in {**old, **new} if old.get(part) != new.get(part)]
            words += [f"{name}: {', '.join(changed)} changed"] if changed else []
        elif old != new:
            words.append(f"{name} was {_shown(old)}, now {_shown(new)}")
    return words


def describe_run(
    config: ScoreConfig,
    *,
    encoder: EmbeddingSource,
    measure: Measure,
    identity: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the content of run.json.

    Args:
        config: Of the job.
        encoder: That runs.
        measure: Likewise.
        identity: As ``score_identity`` gives it.
        inputs: As ``describe_input`` gives them.
        facts: More, such as the names of the added columns.
    """
    return {
        "format_version": FORMAT_VERSION,
        "run_id": secrets.token_hex(8),
        "version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": list(inputs),
        "image_column": identity["image_column"],
        "caption_column": identity["caption_column"],
        "score_identity": dict(identity),
        "score_identity_sha256": identity_sha256(identity),
        "execution": {
            "device": encoder.provenance.device,
            "runtime": encoder.provenance.runtime,
            "threads": config.model.threads,
            "batch_size": config.model.batch_size,
        },
        "config": describe(config),
        "provenance": asdict(encoder.provenance),
        "measure": measure.name,
        "measure_range": list(measure.range),
        "is_distance": measure.is_distance,
        "width": encoder.width,
        "shard_rows": config.run.shard_rows,
        "embeddings": config.run.embeddings,
        **facts,
    }


def read_manifest(store: RunStore) -> dict[str, Any] | None:
    """Return run.json, or None where there is none.

    Raises:
        RunFolderError: It is damaged, or of a format that this version does not know.
    """
    try:
        plain = json.loads(store.read(RUN))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        message = f"{store.location}/{RUN} is damaged ({error}); --overwrite starts anew"
        raise RunFolderError(message) from error
    version = plain.get("format_version") if isinstance(plain, dict) else None
    if version != FORMAT_VERSION:
        message = (
            f"{store.location} is a run folder of format {version}; this pairsift reads format "
            f"{FORMAT_VERSION} (hint: --overwrite starts anew)"
        )
        raise RunFolderError(message)
    return dict(plain)


def check_identity(
    manifest: Mapping[str, Any], identity: Mapping[str, Any], *, folder: str
) -> None:
    """Refuse to go on with a run whose scores would be others.

    Raises:
        RunFolderError: The identities differ; every difference is named.
    """
    found = differences(manifest["score_identity"], identity)
    if found:
        message = (
            f"{folder} was made with another configuration: {'; '.join(found)} "
            "(hint: --overwrite starts anew, --run DIR keeps both)"
        )
        raise RunFolderError(message)


def _whole(place: str) -> str:
    return as_address(place) or str(Path(place).absolute())


def _model_files(encoder: EmbeddingSource) -> dict[str, str | None] | None:
    """Return the digests of a model's files: what its recipes say in words is not all of them."""
    record = getattr(encoder, "record", None)
    return None if record is None else {file.path: file.sha256 for file in record.files}


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list):
        return f"{len(value)} files" if len(value) != 1 else str(value[0])
    return str(value)
