"""Command-line options made from the dataclasses of ``config``, so that each exists once."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer

from pairsift.config import (
    CaptionConfig,
    CompareConfig,
    EngineConfig,
    ImageConfig,
    ModelConfig,
    OutputConfig,
    PlanConfig,
    QuantizeConfig,
    ReportConfig,
    RunConfig,
    SourceConfig,
    TableConfig,
)

PANELS: dict[type, str] = {
    ModelConfig: "Model",
    ImageConfig: "Images",
    SourceConfig: "Fetching",
    CaptionConfig: "Captions",
    TableConfig: "Table",
    OutputConfig: "Output",
    RunConfig: "Run",
    EngineConfig: "Engine",
    QuantizeConfig: "Int8",
    CompareConfig: "Comparison",
    ReportConfig: "Report",
    PlanConfig: "Plan",
}
"""Under which heading of the help the options of a dataclass stand."""

Config = TypeVar("Config")


@dataclass(frozen=True)
class Only:
    """Written beside a dataclass in a command's signature: take these options, no others.

    Args:
        names: Field names; the other fields keep their defaults.
    """

    names: tuple[str, ...]


def options_of(config: type, only: Only | None = None) -> dict[str, Any]:
    """Return the options of a config dataclass and of the dataclasses inside it.

    Args:
        config: A dataclass of ``pairsift.config``.
        only: Takes some of them.

    Returns:
        Field name to the annotated type that Typer reads, in field order.

    Example:
        >>> list(options_of(CaptionConfig))
        ['clean_captions']
    """
    found: dict[str, Any] = {}
    for owner, item, kind in _leaves(config):
        if only is None or item.name in only.names:
            typed = list[get_args(kind)[0]] if get_origin(kind) is tuple else kind  # type: ignore[misc]
            found[item.name] = Annotated[typed, _typer_option(item, panel=PANELS.get(owner))]
    return found


def defaults_of(config: type) -> dict[str, Any]:
    """Return the default of every option of a config dataclass, by name."""
    return {item.name: item.default for _, item, _ in _leaves(config)}


def build_config(config: type[Config], values: Mapping[str, Any]) -> Config:
    """Return a config dataclass filled with option values.

    Args:
        config: A dataclass of ``pairsift.config``.
        values: Option values by field name; a missing one keeps its default.

    Example:
        >>> build_config(CaptionConfig, {"clean_captions": True})
        CaptionConfig(clean_captions=True)
    """
    hints = get_type_hints(config)
    filled: dict[str, Any] = {}
    for item in fields(config):  # type: ignore[arg-type]
        kind = hints[item.name]
        if is_dataclass(kind):
            filled[item.name] = build_config(kind, values)  # type: ignore[arg-type]
        elif item.name in values:
            value = values[item.name]
            # Typer gives a list; a config is hashable.
            filled[item.name] = tuple(value) if isinstance(value, list) else value
    return config(**filled)


def expand_options(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each config parameter of a command by the options of its dataclass.

    Args:
        command: A function with parameters annotated by config dataclasses, or by
            ``Annotated[ThatConfig, Only(…)]``.

    Returns:
        The same command with a flat signature, as Typer wants it.
    """
    hints = get_type_hints(command, include_extras=True)
    configs: dict[str, tuple[type, Only | None]] = {}
    flat: dict[str, inspect.Parameter] = {}
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        kind, only = _config_of(hint)
        if kind is None:
            flat[parameter.name] = parameter.replace(annotation=hint)
            continue
        configs[parameter.name] = (kind, only)
        defaults = defaults_of(kind)
        for name, option in options_of(kind, only).items():
            flat[name] = inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=option
            )

    @functools.wraps(command)
    def run(**values: Any) -> None:
        own = {name: value for name, value in values.items() if name in hints}
        built: dict[str, Any] = {
            name: build_config(kind, values) for name, (kind, _) in configs.items()
        }
        command(**own, **built)

    run.__signature__ = inspect.Signature(list(flat.values()))  # type: ignore[attr-defined]
    run.__annotations__ = {name: parameter.annotation for name, parameter in flat.items()}
    return run


def flags_of(item: "Field[Any]") -> tuple[str, ...]:
    """Return how an option is typed: ``--batch-size`` for ``batch_size``."""
    flags: tuple[str, ...] = item.metadata.get("flags", ())
    return flags or ("--" + item.name.replace("_", "-"),)


def _leaves(config: type) -> Iterator[tuple[type, "Field[Any]", Any]]:
    hints = get_type_hints(config)
    for item in fields(config):
        kind = hints[item.name]
        if is_dataclass(kind):
            yield from _leaves(kind)  # type: ignore[arg-type]
        elif item.default is MISSING:
            message = f"{config.__name__}.{item.name} has no default, so it cannot be an option"
            raise TypeError(message)
        else:
            yield config, item, kind


def _typer_option(item: "Field[Any]", *, panel: str | None) -> Any:
    return typer.Option(
        *flags_of(item),
        help=item.metadata["help"].replace("[", "\\["),  # Rich would take it for markup
        min=item.metadata.get("min"),
        metavar=item.metadata.get("metavar"),
        # An absent value is explained by the help; False is what not typing a flag means.
        show_default=not (
            item.default in ("", ()) or item.default is None or item.default is False
        ),
        rich_help_panel=panel,
    )


def _config_of(hint: Any) -> tuple[type | None, Only | None]:
    only = None
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        only = next((extra for extra in extras if isinstance(extra, Only)), None)
    return (hint, only) if is_dataclass(hint) and isinstance(hint, type) else (None, None)
