"""A replay as one HTML file: it opens by a double click, needs no server and no network, and shows what the page of the replay shows."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from importlib import resources
from pathlib import Path

from marque.app.render import text_of
from marque.app.web import replay_context
from marque.app.wire import encode_moment, encode_thoughts
from marque.app.words import words_of
from marque.common import InputError
from marque.simulation.replay import Replay, read_replay

_STATIC = Path(str(resources.files("marque.app"))) / "static"
_SCRIPT = _STATIC / "dist" / "alone.js"


def built() -> bool:
    """Whether the page's scripts were built here."""
    return _SCRIPT.exists()


def write_page(replay: Path, out: Path, language: str = "en") -> None:
    """Raises InputError for a file that is no replay, or where the page's scripts were not built."""
    if not built():
        raise InputError(
            str(_SCRIPT), "", "the page's scripts are not built", "./marque builds them; or: npm ci && npm run build, in web/."
        )
    opened, words = read_replay(replay), words_of(language)
    code, style = _SCRIPT.read_text("utf-8").strip(), _style()
    context = replay_context(opened, words, 0, None) | {
        "words": words, "base": "", "steps": len(opened), "policy": _policy(code, style), "style": style, "script": code,
        "kept": _kept(opened, language),
    }  # fmt: skip
    out.write_text(text_of("replay_page.html", context), encoding="utf-8")


def _style() -> str:
    """The sheet of all pages, with its one picture in it."""
    mark = base64.b64encode((_STATIC / "icon.svg").read_bytes()).decode()
    return (_STATIC / "style.css").read_text("utf-8").replace("icon.svg", f"data:image/svg+xml;base64,{mark}")


def _policy(script: str, style: str) -> str:
    """Nothing but what is in the file is run or loaded."""
    code, sheet = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style))
    return f"default-src 'none'; script-src 'sha256-{code}'; style-src 'sha256-{sheet}'; img-src data:; base-uri 'none'; form-action 'none'"


def _kept(replay: Replay, language: str) -> str:
    """What a server would answer, see `web/src/page/kept.ts`: gzip of JSON, as base64; the same bytes every time."""
    words, origin = words_of(language), replay.summary.origin_m
    moments, panels = [], []
    for step, frame in enumerate(replay.frames()):
        thoughts = [encode_thoughts(car, view, origin) for car, view in frame.views.items()]
        moments.append(_base64(b"".join([encode_moment(frame, origin, step=step), *thoughts[:1]])))
        panels.append(text_of("panel.html", replay_context(replay, words, step, None)))
    said = json.dumps({"ground": _base64(replay.ground), "moments": moments, "panels": panels})
    return _base64(gzip.compress(said.encode(), mtime=0))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
