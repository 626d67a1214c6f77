"""How much a request may bring: its bytes are counted as they come, and nothing behind the limit is read or kept."""

from __future__ import annotations

import re
from typing import Final

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marque.common import Sentence

BODY_MAX_MIB: Final = 8
BODY_MAX_BYTES: Final = BODY_MAX_MIB << 20
FILE_MAX_MIB: Final = 4096
_FILES = re.compile(r"/(?:console/release|api/v1)/.+/(?:images|evidence)")
"""Where images and sealed evidence are handed in: files, which go to a disk and never whole into memory."""
_WITHOUT_BODY = frozenset({"GET", "HEAD"})


class TooMuch(HTTPException):
    """Status 413. said: what the limit is, for `reasons.sentence`."""

    def __init__(self, said: Sentence) -> None:
        super().__init__(413, said)
        self.said = said


class BoundedBodies:
    """ASGI middleware: whoever reads a body of more than BODY_MAX_MIB, as announced or as it comes, gets TooMuch raised instead.

    FILE_MAX_MIB where files are handed in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY:
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        expected, come = int(announced) if announced.isascii() and announced.isdecimal() else 0, 0
        most = FILE_MAX_MIB if _FILES.fullmatch(scope["path"]) else BODY_MAX_MIB

        async def bounded() -> Message:
            nonlocal come
            if expected <= most << 20:
                message = await receive()
                come += len(message.get("body", b""))
                if come <= most << 20:
                    return message
            raise TooMuch(Sentence("What was sent is larger than {most} MiB, the most that is taken at once.", most=most))

        await self.app(scope, bounded, send)
