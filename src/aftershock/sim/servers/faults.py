"""What can be made to go wrong, by name. Real services do all of it now and then; a client has to live with it."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["FAULTS", "Faults", "UnknownFaultError"]

FAULTS: dict[str, str] = {
    # the connection to the machine
    "no-handshake": "takes the connection and never answers the WebSocket handshake",
    "no-first-byte": "answers the handshake, then sends nothing and answers no ping",
    "close-at-once": "closes politely right after the handshake",
    "reset-mid-message": "resets the connection inside a message, after a few whole ones",
    "http-429": "refuses the handshake with 429, HTML and Retry-After",
    "http-503": "refuses the handshake with 503 and HTML",
    "html": "answers the handshake with a web page and status 200",
    "silence": "goes silent after a while: no data, no answer to pings, no close",
    "disconnects": "resets connections at random moments, all the time",
    "slow": "sends each message three seconds late",
    # messages of the machine
    "garbage": "sends text that is no JSON between messages",
    "binary": "sends binary frames between messages",
    "half-json": "cuts messages in half",
    "huge-message": "sends a message of ten megabytes",
    "deflate-bomb": "sends a compressed frame that nobody asked for, a hundred megabytes unpacked",
    "error-line": "sends the machine's error object, which has no type, then closes with 1011",
    "refused": "closes with 1011 and the machine's sentence for an exchange that it does not know",
    "too-many-errors": "reports errors of the venue, a disconnect, and closes with 1011",
    "duplicates": "sends the latest prints again after each reconnect",
    "reordered": "swaps neighbouring messages",
    "crossed": "sends quotes whose bid is above the ask",
    "absent-keys": "leaves out keys that messages must have",
    "unknown-instrument": "sends messages of an instrument that nobody lists",
    "control-characters": "sends symbols with control characters",
    "clock-ahead": "the venue's clock is five seconds ahead",
    "clock-behind": "the venue's clock is five seconds behind",
    "gap": "loses two seconds of messages and says so with a disconnect",
    # history over the machine
    "failure-in-200": "breaks a replay off inside a 200: the error object is the last line, without a line end",
    # the HTTP API and data sets
    "api-silence": "never answers",
    "api-html": "answers with a web page and status 200",
    "api-garbage": "answers with half a JSON document",
    "rate-limit": "says 429 with Retry-After 1",
    "quota": "says 429 with Retry-After 3600: the quota is used up",
    "server-error": "says 500",
    "expired-key": "knows the key but grants nothing: 401, and an empty list of rights",
    "powerless-key": "says 403: the plan does not cover what was asked",
    "no-slice-size": "leaves out x-slice-size",
    "cut-body": "ends a compressed body too early",
    "bad-checksum": "flips a byte of a compressed file",
    "gzip-bomb": "sends a small compressed body that unpacks to gigabytes",
    # Deribit
    "deribit-book-gap": "leaves a change of a book out",
    "deribit-book-twice": "sends a change of a book twice",
    "deribit-10028": "says that there were too many requests, and ends the session",
    "deribit-429-html": "says 429 with a web page of the network in front of it",
    "deribit-maintenance": "says 503",
    "deribit-nulls": "lists instruments without their steps",
    "deribit-new-state": "lists instruments in a state that nobody knows",
    # Backpack
    "backpack-depth-gap": "leaves a change of a book out",
    "backpack-depth-twice": "sends a change of a book twice",
    "backpack-ghost-level": "deletes a level of a book that never was",
    "backpack-old-snapshot": "answers with a book that is older than the changes that were sent",
    "backpack-close": "closes after a while, as before a restart",
    "backpack-no-pong": "answers no pings and sends none",
    "backpack-429": "says 429 with the venue's JSON",
    "backpack-429-html": "says 429 with a web page of the network in front of it",
    "backpack-maintenance": "says 503 MAINTENANCE",
    "backpack-clock": "its clock is two minutes ahead: every signed request has expired",
    "backpack-new-type": "lists a market of a type that nobody knows",
    "backpack-new-state": "lists a book in a state that nobody knows",
    "backpack-nulls": "leaves fields of options null",
    "backpack-wrong-types": "lists steps of price and quantity as what they are not",
    "backpack-cancel-202": "accepts a cancellation with 202 and no body, and carries it out a moment later",
    "backpack-fill-first": "tells of an order's fill on the account's stream before it answers the order",
    "backpack-batch-mix": "refuses one order of a batch inside a 200",
    "backpack-lost-reply": "takes an order and resets the connection before it answers",
    # the model gateway
    "gateway-400": "says 400: it can't take the format",
    "gateway-401": "says 401: it does not know the key",
    "gateway-402": "says 402: the account is empty",
    "gateway-404": "says 404: it does not know the model",
    "gateway-422": "says 422",
    "gateway-429": "says 429 without a word about when to come again",
    "gateway-429-retry-after": "says 429 with Retry-After 2",
    "gateway-500": "says 500",
    "gateway-503": "says 503: it is overloaded",
    "gateway-trickle": "sends blank lines for three seconds, then the answer",
    "gateway-blank-lines": "sends blank lines before the answer; comments, in a stream",
    "gateway-sse": "answers with a stream that nobody asked for",
    "gateway-html": "answers with a web page and status 200",
    "gateway-invalid-json": "answers with prose and half an object",
    "gateway-wrong-schema": "answers with other keys than agreed",
    "gateway-absurd": "answers with a probability of 42, NaN, 1e999, -0.5, a number of 401 digits, a word, in turn",
    "gateway-swapped-model": "lets another model answer than was asked for",
    "gateway-injection": "answers with the other side, other instruments and instructions",
    "gateway-reset": "resets the connection in the middle of the answer",
    "gateway-stall": "takes the request and never answers",
    "gateway-truncated": "cuts the answer off: finish_reason length",
    "gateway-spaces": "answers with nothing but spaces",
    "gateway-error-in-200": "answers with an error object and status 200",
    "gateway-fenced": "puts the answer into code fences",
    "gateway-no-usage": "does not say what the answer cost",
    "gateway-null-content": "answers with null",
    "gateway-empty-choices": "answers with no choice",
    "gateway-huge": "answers with ten megabytes",
}
"""Every fault and what it does."""


class UnknownFaultError(ValueError):
    """There is no fault of that name; says which there are."""


class Faults:
    """Which faults are on; each for a number of times, or until it is switched off.

    Attributes:
        hits: How often each struck.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Switch some on.

        Raises:
            UnknownFaultError: A name is none.
        """
        self._left: dict[str, int | None] = {}
        self.hits: dict[str, int] = {}
        self._spared: dict[str, int] = {}
        for name in names:
            self.switch_on(name)

    def switch_on(self, name: str, times: int | None = None) -> None:
        """Let a fault strike so often; None for always.

        Raises:
            UnknownFaultError: The name is none.
        """
        if name not in FAULTS:
            raise UnknownFaultError(f"there is no fault `{_shown(name)}`: the names are {', '.join(FAULTS)}")
        self._left[name] = times

    def skip_first(self, name: str, times: int) -> None:
        """Let a fault that is on spare so many chances before it strikes."""
        self._spared[name] = times

    def switch_off(self) -> None:
        """End all faults."""
        self._left.clear()

    def on(self, name: str) -> bool:
        """Tell whether a fault would strike."""
        return name in self._left and self._left[name] != 0

    def strikes(self, name: str) -> bool:
        """Tell whether a fault strikes now, and count it."""
        if not self.on(name):
            return False
        if self._spared.get(name, 0) > 0:
            self._spared[name] -= 1
            return False
        left = self._left[name]
        if left is not None:
            self._left[name] = left - 1
        self.hits[name] = self.hits.get(name, 0) + 1
        return True


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:40])
