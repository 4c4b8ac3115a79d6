"""Reads safetensors files by memory map: no copy, and no code from the file ever runs.

The reader is our own because the towers want the raw bytes of every stored type (bfloat16 has no
NumPy type) without a second copy of a model that may be gigabytes large.
"""

import json
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairsift.errors import WeightsError

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"

# The safetensors reference implementation refuses headers above 100 MB.
MAX_HEADER_BYTES = 100_000_000

# Type names of the format that a tower may hold; bfloat16 is kept as its 16 bits.
STORED_TYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
}


@dataclass(frozen=True)
class StoredTensor:
    """One tensor as it lies in the file.

    Args:
        data: The bits, mapped from the file; uint16 for bfloat16.
        is_bfloat16: Whether ``data`` holds bfloat16 bits.
    """

    data: NDArray[Any]
    is_bfloat16: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return tuple(self.data.shape)

    def to_float32(self) -> NDArray[np.float32]:
        """Return the values as float32, exactly (float64 is rounded); float32 is not copied.

        Example:
            >>> StoredTensor(np.array([0x3F80], np.uint16), True).to_float32()
            array([1.], dtype=float32)
        """
        if self.is_bfloat16:
            return (self.data.astype(np.uint32) << np.uint32(16)).view(np.float32)
        return self.data.astype(np.float32, copy=False)


def read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Return a safetensors file's header and where its data begin.

    Args:
        path: The file.

    Returns:
        Tensor descriptions by name (without ``__metadata__``), and the offset of the data.

    Raises:
        WeightsError: The file is not a safetensors file, or is cut short.

    Source:
        https://github.com/huggingface/safetensors#format
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, MAX_HEADER_BYTES):
            raise WeightsError(f"{path.name}: not a safetensors file, or cut short ({size} bytes)")
        raw = file.read(length)
    try:
        header = json.loads(raw)
    except ValueError as error:
        raise WeightsError(f"{path.name}: not a safetensors file: {error}") from error
    if not isinstance(header, dict):
        raise WeightsError(f"{path.name}: not a safetensors file: its header is no object")
    header.pop("__metadata__", None)
    return header, 8 + length


def map_file(path: Path) -> dict[str, StoredTensor]:
    """Map every tensor of one safetensors file.

    Args:
        path: The file.

    Returns:
        Tensors by name; they keep the map open as long as one of them lives.

    Raises:
        WeightsError: The file is malformed, cut short, or holds a type that no tower uses.
    """
    header, start = read_header(path)
    with path.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))[start:]
    tensors: dict[str, StoredTensor] = {}
    for name, entry in header.items():
        try:
            kind, shape = entry["dtype"], tuple(int(side) for side in entry["shape"])
            begin, end = (int(offset) for offset in entry["data_offsets"])
            stored = STORED_TYPES[kind]
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{path.name}: tensor {name} is malformed: {error!r}") from error
        count = int(np.prod(shape, dtype=np.int64))
        if min(shape, default=0) < 0 or end - begin != count * stored.itemsize:
            raise WeightsError(f"{path.name}: tensor {name}: its bytes do not match its shape")
        if not 0 <= begin <= end <= len(content):
            raise WeightsError(f"{path.name}: tensor {name} lies outside the file: cut short?")
        data = np.frombuffer(content[begin:end], dtype=stored).reshape(shape)
        tensors[name] = StoredTensor(data, is_bfloat16=kind == "BF16")
    return tensors


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files of a checkpoint folder: one, or the shards of its index.

    Args:
        folder: The checkpoint.

    Returns:
        Paths in name order; empty when the folder holds no safetensors weights.

    Raises:
        WeightsError: The index is malformed, or a shard that it names is not in the folder.
    """
    if (folder / WEIGHTS_FILE).is_file():
        return [folder / WEIGHTS_FILE]
    if not (folder / INDEX_FILE).is_file():
        return []
    try:
        index = json.loads((folder / INDEX_FILE).read_bytes())
        names = sorted(set(index["weight_map"].values()))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise WeightsError(f"{folder / INDEX_FILE} is not an index of shards: {error!r}") from error
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise WeightsError(f"{INDEX_FILE} names {name!r}, which is not in {folder}")
    return [folder / name for name in names]


def map_checkpoint(folder: Path) -> Mapping[str, StoredTensor]:
    """Map every tensor of a checkpoint folder, whether it is one file or shards.

    Args:
        folder: The checkpoint.

    Returns:
        Tensors by name.

    Raises:
        WeightsError: There are no safetensors weights, or they are malformed.
    """
    files = weight_files(folder)
    if not files:
        raise WeightsError(f"no {WEIGHTS_FILE} in {folder}")
    tensors: dict[str, StoredTensor] = {}
    for path in files:
        tensors.update(map_file(path))
    return tensors
