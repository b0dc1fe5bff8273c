"""Requests of JSON-RPC, and Deribit's way to say no."""

from __future__ import annotations

from typing import Any

__all__ = ["RpcError", "depth_of", "read", "refusal"]


class RpcError(Exception):
    """An answer that is a refusal."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        """Take one of the venue's codes, its word for it, and what it says beside."""
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def read(asked: object) -> tuple[str, dict[str, Any]]:
    """Return method and parameters of a request.

    Raises:
        RpcError: It is none.
    """
    if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
        raise RpcError(-32600, "request entity should be a JSON-RPC object")
    params = asked.get("params") or {}
    if not isinstance(params, dict):
        raise RpcError(-32602, "Invalid params", {"reason": "params must be an object"})
    return asked["method"], params


def depth_of(params: dict[str, Any]) -> int:
    """Return how many levels of a book are asked for.

    Raises:
        RpcError: It is no number of levels.
    """
    text = str(params.get("depth", 20))
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:6]) <= 10_000:
        raise RpcError(-32602, "Invalid params", {"reason": "value out of range", "param": "depth"})
    return int(text)


def refusal(number: object, error: RpcError) -> dict[str, Any]:
    """Return an error as the answer to a request."""
    said: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        said["data"] = error.data
    return {"jsonrpc": "2.0", "id": number, "error": said, "testnet": True}
