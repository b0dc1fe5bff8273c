"""The JSON around the records: the head says what a run was, the foot seals one that ended cleanly."""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from aftershock.errors import InputError, JournalError
from aftershock.journal.format import DEFAULT_SEGMENT_BYTES, FORMAT_VERSION

__all__ = [
    "ChannelSeal",
    "Head",
    "HeadFile",
    "InputFile",
    "Seal",
    "canonical_json",
    "head_digest",
    "read_head",
    "read_seal",
]


class InputFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that input records refer to; its content is not in the journal.

    Attributes:
        name: File name without folder.
        size: Bytes.
        sha256: Hex digest of the bytes as they lie on disk (compressed, if so).
        kind: What the rows are, in the caller's words.
        first_row: First row that the run may use, counted from 0.
        rows: How many from there; None for all that follow.
    """

    name: str
    size: int
    sha256: str
    kind: str
    first_row: int = 0
    rows: int | None = None


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """All that, beside the inputs, decides what a run puts out.

    Attributes:
        code_version: Version of the code that ran.
        config: Full configuration, as JSON can hold it: no NaN, no infinity.
        instruments_digest: Digest of the instrument table.
        numerics: Pricing path and the versions that decide the last bits of a number.
        files: Input files, referred to by their index.
    """

    code_version: str
    config: dict[str, Any]
    instruments_digest: str
    numerics: dict[str, str]
    files: tuple[InputFile, ...] = ()


class HeadFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of head.json."""

    format: int = FORMAT_VERSION
    segment_bytes: int = DEFAULT_SEGMENT_BYTES
    head: Head


class ChannelSeal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a channel ended: its last chain value in hex, and its counts."""

    records: int
    segments: int
    bytes: int
    chain: str


class Seal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of foot.json; `digest` is BLAKE2b-16 of its canonical JSON with an empty digest."""

    head: str
    inputs: ChannelSeal
    outputs: ChannelSeal
    digest: str = ""

    def signed(self) -> Seal:
        """Return the seal with its digest filled in."""
        body = canonical_json(msgspec.structs.replace(self, digest=""))
        return msgspec.structs.replace(self, digest=blake2b(body, digest_size=16).hexdigest())


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of a value: sorted keys, two spaces of indent, UTF-8, a newline at the end.

    Raises:
        InputError: The value holds what JSON has no word for, such as NaN.
    """
    try:
        plain = msgspec.to_builtins(value, str_keys=True)
        text = json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise InputError(f"a journal's head must be plain JSON without NaN or infinity: {error}") from error


def head_digest(content: bytes) -> str:
    """Return the hex digest of head.json that seal and digests carry: BLAKE2b-16."""
    return blake2b(content, digest_size=16).hexdigest()


def read_head(path: Path, content: bytes) -> HeadFile:
    """Decode head.json, whose bytes have already been checked against the chains.

    Raises:
        InputError: It was written in another format.
    """
    try:
        version = msgspec.json.decode(content, type=dict[str, Any]).get("format")
        if version != FORMAT_VERSION:
            raise InputError(
                f"{path} has journal format {version}, and this version reads {FORMAT_VERSION}: "
                "use the version of aftershock that wrote it"
            )
        return msgspec.json.decode(content, type=HeadFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise JournalError(f"{path} is not the head of a journal: {error}") from error


def read_seal(path: Path, content: bytes) -> Seal:
    """Decode foot.json and check it against itself, so that no byte of it can change unseen."""
    try:
        seal = msgspec.json.decode(content, type=Seal)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise JournalError(f"{path} is damaged: {error}; restore it from a copy") from error
    if content != canonical_json(seal.signed()):
        raise JournalError(f"{path} is damaged: its digest differs; restore it from a copy")
    return seal
