"""Reference to bytes: what a cell of the image column refers to.

Whatever stands in a table is somebody else's input. Paths stay below the root, URLs are fetched
only where that is switched on, buckets only where they are named.
"""

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pairsift.config import ImageConfig, SourceConfig
from pairsift.errors import ImageError
from pairsift.objects import SCHEMES, as_address, import_obstore
from pairsift.sources import buckets
from pairsift.sources.inline import read_base64, read_data_uri
from pairsift.sources.paths import PathReader
from pairsift.statuses import RowStatus

if TYPE_CHECKING:
    from pairsift.sources.fetching import Fetcher
    from pairsift.sources.metering import FetchMeter

Batch = TypeVar("Batch")

WEB_SCHEMES = ("http", "https")
LOOK_AHEAD = 4096
"""References: with 30 s for a dead host in every batch, still more than 100 rows a second."""

OFFLINE = "--offline fetches nothing"
MAX_BATCHES = 64  # of few references each; their rows take memory too

# A colon alone is a letter of many file names; a drive letter is no scheme.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://|(data|file|https?|s3|gs|az|ftp):", re.IGNORECASE)


class Sources:
    """Reads the images that a table refers to; pickled, it is the recipe of itself.

    Args:
        root: Folder that relative paths start from and that no path may leave; it may lie in an
            object store (``objects.as_address``).
        config: The limit of bytes.
        source: What may be fetched, and how (default: nothing).
        offline: Fetch nothing, whatever else is said.

    Raises:
        UsageError: The root is not a folder, or an option makes no sense.
        MissingExtraError: Buckets are to be read, and what reads them is not installed.
    """

    def __init__(
        self,
        root: Path,
        config: ImageConfig,
        source: SourceConfig | None = None,
        *,
        offline: bool = False,
    ) -> None:
        self._config = config
        self._source = source or SourceConfig()
        self._offline = offline
        self._roots: dict[Path, PathReader | str] = {}
        self._root = root
        self._buckets = buckets.named_buckets(self._source)
        self._lock = threading.Lock()
        self._fetcher: Fetcher | None = None
        self._process = os.getpid()
        if not offline and (self._source.allow_urls or self._source.allow_host or self._buckets):
            # What cannot work is said before the first row; threads are made where they are used.
            from pairsift.sources.fetching import check_options

            check_options(self._source)
        if not isinstance(self._reader_of(None), PathReader):
            import_obstore()

    def __reduce__(self) -> tuple[object, ...]:
        # Sockets and threads are made where they are used.
        return _build, (self._root, self._config, self._source, self._offline)

    @property
    def root(self) -> Path:
        """The folder that no path leaves."""
        reader = self._reader_of(None)
        return reader.root if isinstance(reader, PathReader) else self._root

    @property
    def meter(self) -> "FetchMeter | None":
        """Counts of the connections since the first fetch, or None before it."""
        return None if self._fetcher is None else self._fetcher.meter

    def read(self, reference: bytes, root: Path | None = None) -> bytes:
        """Return the bytes that a reference stands for; safe to call from many threads.

        Args:
            reference: The cell, UTF-8.
            root: Another folder that no path leaves, where an input of many files has several.

        Raises:
            ImageError: It cannot be read, or must not be; says why.
        """
        text = _text(reference)
        scheme = _scheme(text)
        if scheme is None:
            data = read_base64(text, self._config.max_image_bytes)
            return self._read_below(root, text) if data is None else data
        if scheme == "data":
            return read_data_uri(text, self._config.max_image_bytes)
        self._check_allowed(scheme, text)
        return self._fetching().read(text)

    def _read_below(self, root: Path | None, text: str) -> bytes:
        reader = self._reader_of(root)
        if isinstance(reader, PathReader):
            return reader.read(text)
        if self._offline:
            raise ImageError(RowStatus.IMAGE_NOT_ALLOWED, OFFLINE)
        return self._fetching().read(buckets.below(reader, text))

    def _reader_of(self, root: Path | None) -> PathReader | str:
        """Return what reads paths below a root, or the root's address in an object store."""
        root = self._root if root is None else root
        if root not in self._roots:
            reader = as_address(root) or PathReader(root, self._config.max_image_bytes)
            self._roots[root] = reader
        return self._roots[root]

    def expect(self, references: Iterable[bytes], root: Path | None = None) -> None:
        """Begin to fetch what will be read soon, each as often as it is named here.

        What is not fetched, or must not be, is left to ``read``.

        Args:
            references: As ``read`` takes them.
            root: Likewise.
        """
        if wanted := self._fetchable(references, root):
            self._fetching().expect(wanted)

    def look_ahead(
        self,
        batches: Iterable[Batch],
        references: Callable[[Batch], Iterable[bytes]],
        root: Callable[[Batch], Path | None] = lambda _: None,
    ) -> Iterator[Batch]:
        """Yield batches in order, while what later ones refer to is on its way.

        So a slow host holds up the rows that are read after it no longer than those beside it.

        Args:
            batches: Gone through up to ``LOOK_AHEAD`` references ahead, where there are any.
            references: What will be read of a batch, or might be.
            root: Of a batch's references, as ``read`` takes it.
        """
        upcoming: deque[tuple[Batch, list[str]]] = deque()
        num_ahead = 0
        try:
            for batch in batches:
                wanted = self._fetchable(set(references(batch)), root(batch))
                upcoming.append((batch, wanted))
                num_ahead += len(upcoming[-1][1])
                if upcoming[-1][1]:
                    self._fetching().expect(upcoming[-1][1])
                while upcoming and (
                    num_ahead > LOOK_AHEAD or not upcoming[0][1] or len(upcoming) > MAX_BATCHES
                ):
                    num_ahead -= len(upcoming[0][1])
                    yield from self._pass_on(*upcoming.popleft())
            while upcoming:
                yield from self._pass_on(*upcoming.popleft())
        finally:
            for _, wanted in upcoming:
                self._unexpect(wanted)

    def _pass_on(self, batch: Batch, wanted: list[str]) -> Iterator[Batch]:
        try:
            yield batch
        finally:
            # By now he who got it has said what he expects of it.
            self._unexpect(wanted)

    def _unexpect(self, wanted: list[str]) -> None:
        if wanted and self._fetcher is not None:
            self._fetcher.unexpect(wanted)

    def _fetchable(self, references: Iterable[bytes], root: Path | None) -> list[str]:
        reader = self._reader_of(root)
        folder = None if isinstance(reader, PathReader) else reader
        if self._offline or not (self._source.allow_urls or self._buckets or folder):
            return []
        wanted = []
        for reference in references:
            try:
                text = _text(reference)
                scheme = _scheme(text)
                if scheme is None:
                    if folder and read_base64(text, self._config.max_image_bytes) is None:
                        wanted.append(buckets.below(folder, text))
                elif scheme != "data":
                    self._check_allowed(scheme, text)
                    wanted.append(text)
            except ImageError:
                continue
        return wanted

    def forget(self) -> None:
        """Give up what was expected and not read."""
        if self._fetcher is not None:
            self._fetcher.forget()

    def close(self) -> None:
        """End every fetch and close every connection; reading again opens new ones."""
        with self._lock:
            fetcher, self._fetcher = self._fetcher, None
        if fetcher is not None:
            fetcher.close()

    def _check_allowed(self, scheme: str, text: str) -> None:
        if scheme not in (*WEB_SCHEMES, *SCHEMES):
            reason = f"{scheme}: references are not read; give a path, a URL or a bucket's key"
        elif self._offline:
            reason = OFFLINE
        elif scheme in WEB_SCHEMES and not self._source.allow_urls:
            reason = "URLs are not fetched (hint: --allow-urls)"
        else:
            if scheme in SCHEMES:
                buckets.check_bucket(text, self._buckets)
            return
        raise ImageError(RowStatus.IMAGE_NOT_ALLOWED, reason)

    def _fetching(self) -> "Fetcher":
        with self._lock:
            if self._fetcher is None or self._process != os.getpid():
                # A fork copies no threads: what the parent fetched with is dead in its child.
                self._process = os.getpid()
                # aiohttp takes a tenth of a second that a table of paths need not pay.
                from pairsift.sources.fetching import Fetcher

                self._fetcher = Fetcher(self._source, max_bytes=self._config.max_image_bytes)
            return self._fetcher


def _build(root: Path, config: ImageConfig, source: SourceConfig, offline: bool) -> Sources:  # noqa: FBT001 - pickle calls by position
    return Sources(root, config, source, offline=offline)


def _scheme(text: str) -> str | None:
    match = _SCHEME.match(text)
    return None if match is None else (match[1] or match[2]).lower()


def _text(reference: bytes) -> str:
    try:
        text = reference.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = "the image reference is not valid UTF-8"
        raise ImageError(RowStatus.IMAGE_NOT_FOUND, reason) from error
    if "\0" in text:
        reason = "the image reference holds a NUL"
        raise ImageError(RowStatus.IMAGE_NOT_FOUND, reason)
    text = text.strip()
    if not text:
        raise ImageError(RowStatus.IMAGE_NULL, "the image cell is empty")
    return text
