"""How Backpack says no: a code and a sentence."""

from __future__ import annotations

from aiohttp import web

__all__ = ["ApiError"]


class ApiError(Exception):
    """An answer that is a refusal."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """Take one of the venue's codes, its sentence and the HTTP status."""
        super().__init__(message)
        self.code, self.message, self.status = code, message, status

    def document(self) -> dict[str, str]:
        """Return it as the venue's JSON."""
        return {"code": self.code, "message": self.message}

    def response(self) -> web.Response:
        """Return it as an answer."""
        return web.json_response(self.document(), status=self.status)
