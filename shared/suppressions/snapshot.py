"""The cache as a file, so that a restart maps it and reads only the tail of the topic.

A line of magic, the header's length and CRC-32 (8 bytes), the header as JSON, zeros up to a multiple of 8, and then the
sorted keys of every (account, scope), one after the other, as little-endian unsigned 64-bit numbers. The header has
the CRC-32 of the keys, and the accounts' settings. A file that is not whole, or not of this cluster and topic, counts
as none.
"""

import json
import logging
import os
import struct
import time
import zlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shared.suppressions.account_settings import KeptAccountSettings
from shared.suppressions.keys import EMPTY, Keys
from shared.suppressions.lookup import AccountScope

log = logging.getLogger(__name__)

MAGIC = b"STOPLINE SUPPRESSIONS 2\n"
_LENGTH_AND_CRC = struct.Struct("<II")
_MAX_HEADER_BYTES = 64 * 1024 * 1024
_KEY_BYTES = 8
_LEFTOVER_SECONDS = 600.0


@dataclass(frozen=True)
class Origin:
    """The topic that a snapshot was made from; `identity` is as in `shared.topic_identity`, the name is for people."""

    identity: str
    topic: str
    partitions: int


@dataclass(frozen=True)
class Snapshot:
    """A snapshot: `read_to` are the next offsets to read, `watermarks` the newest read (or 0), by partition.

    So are `account_settings`, what the gate asks.
    """

    origin: Origin
    read_to: list[int]
    watermarks: list[int]
    scopes: list[tuple[AccountScope, Keys]]
    account_settings: list[KeptAccountSettings]


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write the file, whole or not at all.

    Raises:
        OSError: the folder or the disk does not take it.
        ValueError: there are too many scopes.
    """
    crc = 0
    for _, keys in snapshot.scopes:
        crc = zlib.crc32(keys.data, crc)
    header = {
        "origin": asdict(snapshot.origin),
        "positions": snapshot.read_to,
        "watermarks": snapshot.watermarks,
        "scopes": [[account_id, scope, keys.size] for (account_id, scope), keys in snapshot.scopes],
        "crc": crc,
        "settings": [asdict(each) for each in snapshot.account_settings],
    }
    encoded = json.dumps(header).encode()
    if len(encoded) > _MAX_HEADER_BYTES:
        raise ValueError(f"{len(snapshot.scopes)} scopes are too many for a snapshot")
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    new = path.with_suffix(f".{os.getpid()}.new")  # another process may write here too
    with new.open("wb") as file:
        file.write(MAGIC)
        file.write(_LENGTH_AND_CRC.pack(len(encoded), zlib.crc32(encoded)))
        file.write(encoded)
        file.write(bytes(-file.tell() % _KEY_BYTES))
        for _, keys in snapshot.scopes:
            keys.tofile(file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    _sync_folder(path.parent)


def _remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed have left; nobody writes for so long."""
    for left in path.parent.glob(f"{path.stem}.*.new"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _LEFTOVER_SECONDS:
                left.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_snapshot(path: Path, origin: Origin) -> Snapshot | None:
    """Map the file; None, with a line in the log, where there is none that can be used."""
    try:
        snapshot = _read(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the snapshot %s is not used: %s", path.name, error)
        return None
    if snapshot.origin != origin:
        log.warning("the snapshot %s is not used: it is of %s, not of %s", path.name, snapshot.origin, origin)
        return None
    return snapshot


def _read(path: Path) -> Snapshot:
    with path.open("rb") as file:
        header = _read_header(file)
        if any(_exactly(file, -file.tell() % _KEY_BYTES)):
            raise ValueError("there is something between its header and its keys")
        begin = file.tell()
    sizes = [size for _, _, size in header["scopes"]]
    if path.stat().st_size != begin + sum(sizes) * _KEY_BYTES:
        raise ValueError("its length is not what its header says")
    whole: Keys = np.asarray(np.memmap(path, dtype="<u8", mode="r", offset=begin)) if sum(sizes) else EMPTY
    if zlib.crc32(whole.data) != header["crc"]:
        raise ValueError("its keys do not have their checksum")
    parts = np.split(whole, np.cumsum(sizes)[:-1]) if sizes else []
    named = zip(header["scopes"], parts, strict=True)
    scopes: list[tuple[AccountScope, Keys]] = [((account_id, scope), keys) for (account_id, scope, _), keys in named]
    account_settings = [KeptAccountSettings(**each) for each in header["settings"]]
    return Snapshot(Origin(**header["origin"]), header["positions"], header["watermarks"], scopes, account_settings)


def _read_header(file: Any) -> dict[str, Any]:
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError("it is not a snapshot of this version")
    length, crc = _LENGTH_AND_CRC.unpack(_exactly(file, _LENGTH_AND_CRC.size))
    if length > _MAX_HEADER_BYTES:
        raise ValueError("its header is too long")
    encoded = _exactly(file, length)
    if zlib.crc32(encoded) != crc:
        raise ValueError("its header does not have its checksum")
    header: dict[str, Any] = json.loads(encoded)
    return header


def _exactly(file: Any, length: int) -> bytes:
    read: bytes = file.read(length)
    if len(read) != length:
        raise ValueError("it ends too early")
    return read
