"""Every option, once: name, type, default and help.

The command line is generated from these classes (``cli.options``), so an option's name in Python,
on the command line and in ``run.json`` is one name. They are frozen, picklable and hashable.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

DeviceName = str
Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
Score = Literal["similarity", "negative-clip-loss"]
CaptionList = Literal["rows", "best", "mean"]
Runtime = Literal["auto", "openvino", "torch", "fake"]
ExportedRows = Literal["kept", "all"]
KeptEmbeddings = Literal["all", "sample", "none"]
EngineName = Literal["local", "ray"]
Towers = Literal["auto", "both", "image"]

# DataComp's best single rule (Gadre et al. 2023, Table 3); why a share: docs/curation.md.
DEFAULT_RULE = "top:30%"


def option(default: Any, help: str, **extra: Any) -> Any:  # noqa: A002 - the field's own word
    """Declare a dataclass field that is also a command-line option."""
    return field(default=default, metadata={"help": help, **extra})


@dataclass(frozen=True)
class ModelConfig:
    """Which model, and where and how it runs."""

    model: str = option(
        "siglip2-base-patch32-256",
        "A name from `pairsift models list`, a folder, or hf:ORG/NAME[@REVISION].",
        flags=("--model", "-m"),
    )
    runtime: Runtime = option("auto", "What runs the towers.")
    device: DeviceName = option(
        "auto", "auto, cpu, cuda (every one that is visible), cuda:N, mps; several with commas."
    )
    precision: Precision = option("auto", "Arithmetic of the towers; auto is resolved once.")
    threads: int | None = option(
        None, "Threads for the towers, and for decoding (default: all processors).", min=1
    )
    batch_size: int | None = option(None, "Images or captions a call (default: by device).", min=1)
    torch_compile: bool = option(False, "Compile the towers with torch.compile (docs/gpu.md).")
    offline: bool = option(False, "Open no socket; fail when a file is missing.")
    cache_dir: str | None = option(None, "Where pulled weights lie (default: the hub cache).")


@dataclass(frozen=True)
class ImageConfig:
    """How image bytes become RGB."""

    max_image_pixels: int = option(
        128_000_000,
        "Pixels by the header above which an image is refused (Pillow stops at 178,956,970).",
        min=1,
    )
    max_image_bytes: int = option(64 * 1024 * 1024, "Bytes above which an image is refused.", min=1)
    exact_decode: bool = option(False, "Decode large JPEGs at full size (slower, by the book).")


@dataclass(frozen=True)
class SourceConfig:
    """What may be fetched, from whom, and how patiently."""

    allow_urls: bool = option(False, "Fetch http:// and https:// references.")
    allow_host: tuple[str, ...] = option(
        (),
        "Host that may be private or on another port; again for more.",
        metavar="NAME:PORT",
    )
    allow_bucket: tuple[str, ...] = option(
        (),
        "Bucket that may be read: s3://, gs:// or az://; again for more.",
        metavar="SCHEME://NAME",
    )
    contact: str = option("", "E-mail or page about your crawl, put into the user agent.")
    connections: int = option(128, "Fetches at once.", min=1)
    connections_per_host: int = option(8, "Fetches at once from one host.", min=1)
    fetch_timeout_seconds: float = option(
        30.0, "Seconds that one image may take, with redirects and retries.", min=0.001
    )
    fetch_retries: int = option(2, "Further attempts after 429, 5xx or a broken line.", min=0)
    fetch_ahead_bytes: int = option(
        256 * 1024 * 1024, "Bytes of fetched images that may wait for decoding.", min=1
    )
    ignore_robots: bool = option(False, "Take images whose X-Robots-Tag forbids it.")


@dataclass(frozen=True)
class CaptionConfig:
    """How captions are read."""

    clean_captions: bool = option(
        False, "Repair mojibake (ftfy) and HTML entities before tokenizing; recorded."
    )


@dataclass(frozen=True)
class TableConfig:
    """Where the pairs stand in the table, and which rows are wanted."""

    image_column: str | None = option(None, "Column with the image (default: by usual names).")
    caption_column: str | None = option(None, "Column with the caption (default: by usual names).")
    caption_list: CaptionList | None = option(
        None, "Captions in lists: a row for each, or the best or the mean of a row's."
    )
    from_embeddings: str | None = option(
        None,
        "INPUT holds embeddings; no model runs. The name of its arrays, such as l14.",
        metavar="auto|NAME",
    )
    image_root: str | None = option(
        None, "Folder of relative paths; nothing outside it is opened (default: the table's)."
    )
    delimiter: str | None = option(None, "Cell delimiter of CSV (default: found in the header).")
    limit: int | None = option(None, "Only the first N rows.", min=0)
    sample: int | None = option(None, "N rows chosen at random, in table order.", min=0)
    seed: int = option(0, "Seed of --sample.")
    strict: bool = option(False, "A malformed row ends the job instead of getting a status.")


@dataclass(frozen=True)
class OutputConfig:
    """What is added, and when a job counts as failed."""

    details: bool = option(False, "Add caption tokens, image size, format and sha256.")
    column_prefix: str = option("", "Put before the names of the added columns.")
    overwrite: bool = option(False, "Replace an existing output.")
    copy_images: bool = option(False, "Copy images that stand in the table into the output.")
    max_failed: int | None = option(None, "More failed rows than this: exit code 3.", min=0)


@dataclass(frozen=True)
class RunConfig:
    """The run folder: what is kept while a job runs, and how it goes on after a stop."""

    run: str | None = option(
        None, "The run folder (default: OUTPUT.pairsift beside the output).", metavar="DIR"
    )
    retry: str | None = option(
        None,
        "Score rows again: failed, or statuses with commas between.",
        metavar="failed|STATUS,…",
    )
    embeddings: KeptEmbeddings = option(
        "all", "Embeddings kept in the run folder; sample is one row in 16."
    )
    shard_rows: int = option(4096, "Rows of a shard: what is finished together.", min=1)
    no_dedupe: bool = option(False, "Encode equal images and captions again each time.")
    cache_mb: int = option(32, "Memory for embeddings that come again in later shards.", min=0)
    row_deadline_seconds: float = option(
        60.0, "Decoding of one image may take this long; then it is image_timeout.", min=0.1
    )
    log_json: str | None = option(None, "A JSON line a shard to FILE, or to - (stderr).")


@dataclass(frozen=True)
class EngineConfig:
    """Where shards are scored; no score depends on it."""

    engine: EngineName = option("local", "local: in this process; ray: on the workers of Ray.")
    ray_address: str | None = option(
        None,
        "Of a running cluster, or auto (default: Ray on this machine alone).",
        metavar="ADDRESS",
    )
    num_workers: int | None = option(
        None, "Processes that hold the model (default: as many as fit).", min=1
    )
    num_cpus_per_worker: int | None = option(
        None, "Processors of each worker (default: those of a node, at most 8).", min=1
    )
    num_gpus_per_worker: float = option(0.0, "GPUs of each worker; 0.5 shares one.", min=0)
    stuck_seconds: float = option(
        300.0,
        "A worker that scores nothing for so long is named; after six times that, replaced.",
        min=0.1,
    )


@dataclass(frozen=True)
class ScoreConfig:
    """Everything that decides about one scoring job."""

    measure: str = option("cosine", "cosine, euclidean, angular, clip-score, logit, …")
    model: ModelConfig = field(default_factory=ModelConfig)
    image: ImageConfig = field(default_factory=ImageConfig)
    source: SourceConfig = field(default_factory=SourceConfig)
    caption: CaptionConfig = field(default_factory=CaptionConfig)
    table: TableConfig = field(default_factory=TableConfig)
    output: OutputConfig = field(default_factory=OutputConfig)
    run: RunConfig = field(default_factory=RunConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)


@dataclass(frozen=True)
class ChoiceConfig:
    """Which rows of a scored table are kept."""

    rule: str = option(DEFAULT_RULE, "top:30%, similarity>=0.28, fdr:1% or probability>=0.5.")
    by: str | None = option(
        None, "Column: each of its values has its own cut and its own mismatches.", metavar="COLUMN"
    )
    score: Score = option("similarity", "What top:… looks at.")
    seed: int = option(0, "Seed of the mismatched pairs.", min=0)
    examples: int = option(3, "Pairs shown on each side of the cut.", min=0)


@dataclass(frozen=True)
class AuditConfig:
    """Which groups of rows a filter is audited for, beside language, length and size."""

    groups: str | None = option(
        None, "Columns whose values are groups, with commas between.", metavar="COLUMN,…"
    )
    categories: str | None = option(
        None, "Groups by what pictures show: names with commas between, or a file of them."
    )
    languages: int = option(
        200_000, "Rows whose caption's language is found, at most; chosen at random.", min=0
    )
    pixels: bool = option(
        False, "Read the pictures again, once, to count blank, dark and blurred ones."
    )


@dataclass(frozen=True)
class CalibrationConfig:
    """What similarities are held against."""

    by: str | None = option(
        None, "Column: each of its values has its own mismatched pairs.", metavar="COLUMN"
    )
    contrast: bool = option(False, "Add the negative CLIP loss.")
    seed: int = option(0, "Seed of the mismatched pairs.", min=0)


@dataclass(frozen=True)
class BalanceConfig:
    """Which rows a more even set is drawn from, and how even it shall be."""

    by: str | None = option(None, "Column of the category.", metavar="COLUMN")
    categories: str | None = option(
        None, "Instead: what pictures may show, names with commas between or a file of them."
    )
    size: int | None = option(
        None, "Rows wanted (default: as many as meet the target exactly).", min=1
    )
    target: str | None = option(
        None, "Share of each category (default: all alike).", metavar="NAME=SHARE,…"
    )
    max_repeats: int = option(1, "How often a row may be taken, at most.", min=1)
    rule: str = option("top:100%", "Draw among the rows that this rule keeps.")
    seed: int = option(0, "Seed of the rows drawn within a category.", min=0)


@dataclass(frozen=True)
class ExportConfig:
    """What a curated run is handed on as, beside the decisions about it."""

    export: tuple[str, ...] = option(
        (),
        "input (its own format), parquet, webdataset or datacomp; again for more.",
        metavar="FORMAT",
    )
    export_rows: ExportedRows = option(
        "kept", "Rows of exported tables; all adds `keep` and `drop_reasons`."
    )
    shard_pairs: int = option(10_000, "Pairs of a WebDataset tar.", min=1)
    uid_column: str | None = option(
        None, "Column of DataComp uids (default: `uid`, or made of picture and caption)."
    )


@dataclass(frozen=True)
class PlanConfig:
    """For how many pairs a plan is made, and on what they are scored."""

    pairs: str | None = option(
        None, "Pairs of the whole set: 100M, 1.5B, 51 (default: those of the table).", metavar="N"
    )
    machines: int = option(1, "Machines like this one that share the work.", min=1)
    gpus: int = option(0, "GPUs that would encode in this machine.", min=0)
    gpu_rate: float | None = option(
        None, "Pairs a second that one GPU encodes (default: measured, on a GPU).", min=0.001
    )
    price_per_hour: float | None = option(
        None, "Price of a machine for an hour, in any currency.", min=0
    )
    sample_seconds: float = option(30.0, "How long a sample is scored, about.", min=0.1)
    sample_seed: int = option(0, "Seed of the places that are measured.", min=0)


@dataclass(frozen=True)
class QuantizeConfig:
    """How a model is quantised, and how far its numbers may move by it."""

    calibration_pairs: int = option(300, "Pairs that set the ranges of int8.", min=16)
    held_out_pairs: int = option(500, "Other pairs, on which the drift is measured.", min=50)
    towers: Towers = option(
        "auto", "Which become int8; auto leaves the text tower alone where both drift too far."
    )
    # Why these limits: docs/int8.md.
    max_similarity_shift: float = option(
        0.02, "Refuse where 1 % of the similarities move further than this.", min=0
    )
    min_rank_agreement: float = option(
        0.97, "Refuse where ranks agree less than this (Spearman).", min=-1
    )
    max_auc_loss: float = option(
        0.005, "Refuse where true and mismatched pairs are told apart less well by this.", min=0
    )
    seed: int = option(0, "Seed of the sample.", min=0)


@dataclass(frozen=True)
class CompareConfig:
    """What models are compared by."""

    precisions: str = option("auto", "Precisions with commas between: fp32,bf16,int8.")
    reference: str | None = option(
        None, "The model that others are held against (default: the first).", metavar="NAME"
    )
    rule: str = option(DEFAULT_RULE, "Which rows each would keep: top:30%, similarity>=0.28, …")
    pairs: int = option(1000, "Pairs that are compared.", min=50)
    seed: int = option(0, "Seed of the sample.", min=0)


@dataclass(frozen=True)
class ReportConfig:
    """What a report shows."""

    rule: str = option(DEFAULT_RULE, "Where the cut is: top:30%, similarity>=0.28, fdr:1%, …")
    by: str | None = option(
        None, "Column of categories (default: by usual names).", metavar="COLUMN"
    )
    no_thumbnails: bool = option(False, "Show captions without their pictures.")


def describe(config: object) -> dict[str, Any]:
    """Return a config as plain data for ``run.json``.

    Example:
        >>> describe(ImageConfig())["exact_decode"]
        False
    """
    plain: dict[str, Any] = {}
    for item in fields(config):  # type: ignore[arg-type]
        value = getattr(config, item.name)
        plain[item.name] = describe(value) if hasattr(value, "__dataclass_fields__") else value
    return plain
