"""Images from object stores.

Endpoint and credentials are those of the usual environment (``AWS_…``, ``GOOGLE_…``, ``AZURE_…``).
"""

import re
from datetime import timedelta
from typing import Any

from pairsift.config import SourceConfig
from pairsift.errors import ImageError
from pairsift.objects import import_obstore, split_key
from pairsift.sources.inline import check_size
from pairsift.sources.loads import Deadline, Load
from pairsift.sources.turns import Turns
from pairsift.statuses import RowStatus

CHUNK_BYTES = 64 * 1024

_QUERY = re.compile(r"\?\S+")  # may hold a signature


class StoreClient:
    """Fetches objects; lives on one event loop.

    Args:
        config: Limits and manners.
        max_bytes: Of an image.
        turns: Gives out the connections.

    Raises:
        MissingExtraError: obstore is not installed.
    """

    def __init__(self, config: SourceConfig, *, max_bytes: int, turns: Turns) -> None:
        self._config = config
        self._max_bytes = max_bytes
        self._turns = turns
        self._obstore = import_obstore()
        self._errors = self._obstore.exceptions
        self._stores: dict[str, Any] = {}

    async def close(self) -> None:
        """Nothing to do: obstore keeps its own connections."""

    async def fetch(self, reference: str, load: Load) -> bytes:
        """Return the bytes of an object.

        Args:
            reference: ``s3://BUCKET/KEY`` or the like, of a named bucket.
            load: Counts the bytes.

        Raises:
            ImageError: It is not to be had; says why.
        """
        bucket, key = split_key(reference)
        deadline = Deadline(self._config.fetch_timeout_seconds)
        try:
            # A bucket is made for many at once: no limit but that of all connections.
            async with (
                self._turns.turn(bucket, load, at_once=self._config.connections),
                deadline.running(),
            ):
                return await self._get(bucket, key, load, deadline)
        except ImageError:  # a ValueError too
            raise
        except TimeoutError as error:
            reason = f"not here within {self._config.fetch_timeout_seconds:g} seconds"
            raise ImageError(RowStatus.IMAGE_FETCH_TIMEOUT, reason) from error
        except FileNotFoundError as error:  # obstore's NotFoundError is one
            raise ImageError(RowStatus.IMAGE_NOT_FOUND, f"no such object: {key[:200]}") from error
        except (self._errors.PermissionDeniedError, self._errors.UnauthenticatedError) as error:
            reason = f"{bucket} denies access to {key[:200]}"
            raise ImageError(RowStatus.IMAGE_DENIED, reason) from error
        except (self._errors.BaseError, OSError, ValueError) as error:
            words = " ".join(_QUERY.sub("?…", str(error)).split())
            raise ImageError(RowStatus.IMAGE_FETCH_FAILED, f"{bucket}: {words[:250]}") from error

    async def _get(self, bucket: str, key: str, load: Load, deadline: Deadline) -> bytes:
        result = await self._obstore.get_async(self._open(bucket), key)
        check_size(result.meta["size"], self._max_bytes)
        body = bytearray()
        async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
            body += chunk
            check_size(len(body), self._max_bytes)
            await self._turns.room.grow(load, len(body), deadline)
        if not body:
            raise ImageError(RowStatus.IMAGE_EMPTY, f"the object has no bytes: {key[:200]}")
        return bytes(body)

    def _open(self, bucket: str) -> Any:
        if bucket not in self._stores:
            patience = timedelta(seconds=self._config.fetch_timeout_seconds)
            self._stores[bucket] = self._obstore.store.from_url(
                bucket,
                # No client_options: any would undo AWS_ALLOW_HTTP, AWS_TIMEOUT and the like.
                retry_config={
                    "max_retries": self._config.fetch_retries,
                    "retry_timeout": patience,
                },
            )
        return self._stores[bucket]
