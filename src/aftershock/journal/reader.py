"""Reading a journal: nothing is returned that its chain does not vouch for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from aftershock.errors import InputError, JournalError
from aftershock.journal.format import (
    CHAIN_BYTES,
    FOOT,
    HEAD,
    Channel,
    Record,
    cannot_read,
    chain_seed,
    find_segments,
)
from aftershock.journal.head import ChannelSeal, Head, Seal, head_digest, read_head, read_seal
from aftershock.journal.scan import ChannelScan, TornTail

__all__ = ["JournalDigest", "JournalReader"]


class JournalDigest(msgspec.Struct, frozen=True, kw_only=True):
    """Three hex digests; two intact journals with equal ones hold the same head, inputs and outputs."""

    head: str
    inputs: str
    outputs: str


class JournalReader:
    """Opens a journal and iterates over its records.

    Opening checks the head against both channels, and the seal against the sizes and last bytes of the
    segments. Only reading a channel to its end checks every byte of it.

    Args:
        folder: Folder of the journal.

    Raises:
        InputError: There is no journal, or one of another format.
        JournalError: It is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.head_bytes = _read_head_bytes(folder)
        self._paths = {channel: find_segments(folder, channel) for channel in Channel}
        for channel in Channel:
            self._check_seed(channel)
        self.head_file = read_head(folder / HEAD, self.head_bytes)
        self._seal = self._load_seal()
        self._torn: dict[Channel, TornTail | None] = {}

    @property
    def head(self) -> Head:
        """What the run was."""
        return self.head_file.head

    @property
    def incomplete(self) -> bool:
        """Whether the run did not end cleanly: no seal, so records may be missing at the end."""
        return self._seal is None

    @property
    def torn_tails(self) -> tuple[TornTail, ...]:
        """What was left unread at the end of the channels that have been read so far."""
        return tuple(torn for torn in self._torn.values() if torn is not None)

    def inputs(self) -> Iterator[Record]:
        """Yield the input records as (sequence number, kind, payload).

        Raises:
            JournalError: A record is damaged; names file, record, offset and what differs.
        """
        return self._read(Channel.INPUTS)

    def outputs(self) -> Iterator[Record]:
        """Yield the output records as (sequence number, kind, payload).

        Raises:
            JournalError: A record is damaged; names file, record, offset and what differs.
        """
        return self._read(Channel.OUTPUTS)

    def scan(self, channel: Channel, *, tolerate_holes: bool = False) -> ChannelScan:
        """Return a fresh scan of a channel, which also tells where the channel ends."""
        seed = chain_seed(self.head_bytes, channel)
        return ChannelScan(self._paths[channel], seed, self._channel_seal(channel), tolerate_holes=tolerate_holes)

    def verify(self) -> JournalDigest:
        """Read everything and return the digests.

        Raises:
            JournalError: A byte of the journal is not what was written.
        """
        chains = {}
        for channel in Channel:
            scan = self.scan(channel)
            for _ in scan:
                pass
            self._torn[channel] = scan.torn
            chains[channel] = scan.tail().chain.hex()
        return self._digest_of(chains[Channel.INPUTS], chains[Channel.OUTPUTS])

    def digest(self) -> JournalDigest:
        """Return the digests: of a sealed journal at once, from its seal; otherwise after reading it."""
        seal = self._seal
        return self.verify() if seal is None else self._digest_of(seal.inputs.chain, seal.outputs.chain)

    def _digest_of(self, inputs: str, outputs: str) -> JournalDigest:
        return JournalDigest(head=head_digest(self.head_bytes), inputs=inputs, outputs=outputs)

    def _read(self, channel: Channel) -> Iterator[Record]:
        scan = self.scan(channel)
        yield from scan
        self._torn[channel] = scan.torn

    def _channel_seal(self, channel: Channel) -> ChannelSeal | None:
        if self._seal is None:
            return None
        return self._seal.inputs if channel is Channel.INPUTS else self._seal.outputs

    def _check_seed(self, channel: Channel) -> None:
        path = self._paths[channel][0]
        try:
            with path.open("rb") as file:
                start = file.read(CHAIN_BYTES)
        except OSError as error:
            raise cannot_read(path, error) from error
        if start != chain_seed(self.head_bytes, channel):
            raise JournalError(
                f"journal {self.folder} is damaged: {HEAD} and {path.name} at byte 0 do not belong together: "
                "checksum; restore both from a copy"
            )

    def _load_seal(self) -> Seal | None:
        path = self.folder / FOOT
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise cannot_read(path, error) from error
        seal = read_seal(path, content)
        if seal.head != head_digest(self.head_bytes):
            raise JournalError(
                f"journal {self.folder} is damaged: {FOOT} belongs to another head; restore both from a copy"
            )
        self._check_end(Channel.INPUTS, seal.inputs)
        self._check_end(Channel.OUTPUTS, seal.outputs)
        return seal

    def _check_end(self, channel: Channel, seal: ChannelSeal) -> None:
        """Compare with the seal what a missing or cut segment changes, without reading the records."""
        paths = self._paths[channel]
        try:
            size = sum(path.stat().st_size for path in paths)
            with paths[-1].open("rb") as file:
                file.seek(max(0, paths[-1].stat().st_size - CHAIN_BYTES))
                last = file.read(CHAIN_BYTES).hex()
        except OSError as error:
            raise cannot_read(paths[-1], error) from error
        if (len(paths), size, last) != (seal.segments, seal.bytes, seal.chain):
            raise JournalError(
                f"journal {self.folder} is damaged: {channel} end in {paths[-1].name} with "
                f"{size} bytes in {len(paths)} segments, and the seal has {seal.bytes} in {seal.segments}: "
                "truncated, extended or exchanged; restore the files from a copy"
            )


def _read_head_bytes(folder: Path) -> bytes:
    try:
        return (folder / HEAD).read_bytes()
    except FileNotFoundError as error:
        if any(folder.glob("*.seg")):
            raise JournalError(f"journal {folder} has no {HEAD}: restore it from a copy") from error
        raise InputError(f"{folder} is not a journal: it has no {HEAD}; check the path") from error
    except OSError as error:
        raise cannot_read(folder / HEAD, error) from error
