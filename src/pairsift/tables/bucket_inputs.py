"""From an address in an object store to tables: one object, a folder, a glob, a range in braces."""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from pairsift.errors import UsageError
from pairsift.objects import Bucket, ObjectFacts, split_key
from pairsift.tables.folder import is_hidden
from pairsift.tables.patterns import (
    expand_braces,
    has_braces,
    has_wildcards,
    is_match,
    tables_among,
)
from pairsift.tables.staging import stage

SIDE_BY_SIDE = 4
"""Tables that are copied at once."""


def find_in_bucket(address: str) -> list[Path]:
    """Return copies of the tables that an address stands for, in the order that numbers them.

    Args:
        address: ``s3://BUCKET/KEY``, with the patterns of ``find_inputs``; a key that exists is
            taken as it is.

    Raises:
        UsageError: Nothing is found, or an object of a range is missing.
        OSError: The store cannot be read.
    """
    name, key = split_key(address)
    bucket = Bucket(name)
    exact = bucket.facts(key) if key and not key.endswith("/") else None
    if exact is not None:
        found = [exact]
    elif has_braces(key):
        found = _all_of(bucket, expand_braces(key), address)
    elif has_wildcards(key):
        found = _matching(bucket, key, address)
    else:
        found = _in_folder(bucket, key.strip("/"), address)
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="stage") as pool:
        return list(pool.map(partial(stage, bucket), found))


def _all_of(bucket: Bucket, keys: Sequence[str], address: str) -> list[ObjectFacts]:
    with ThreadPoolExecutor(4 * SIDE_BY_SIDE) as pool:
        facts = list(pool.map(bucket.facts, keys))
    missing = [key for key, each in zip(keys, facts, strict=True) if each is None]
    if missing:
        message = (
            f"{len(missing):,} of {len(keys):,} objects of {address} are missing, "
            f"such as {missing[0]}"
        )
        raise UsageError(message)
    return [each for each in facts if each is not None]


def _matching(bucket: Bucket, pattern: str, address: str) -> list[ObjectFacts]:
    parts = pattern.split("/")
    fixed = list(itertools.takewhile(lambda part: not has_wildcards(part), parts))
    facts = bucket.find("/".join(fixed))
    found = [each for each in facts if is_match(each.key.split("/"), parts)]
    if not found:
        message = f"no object matches {address}"
        raise UsageError(message)
    return sorted(found, key=lambda each: each.key)


def _in_folder(bucket: Bucket, folder: str, address: str) -> list[ObjectFacts]:
    prefix = f"{folder}/" if folder else ""
    inside = {each.key.removeprefix(prefix): each for each in bucket.find(folder)}
    names = [name for name in sorted(inside) if not any(map(is_hidden, name.split("/")))]
    if not names:
        message = f"no such table, and nothing below it: {address}"
        raise UsageError(message)
    tables = tables_among(names)
    if not tables:
        message = f"{address} holds no table: name one, or copy a folder of images to this machine"
        raise UsageError(message)
    return [inside[name] for name in tables]
