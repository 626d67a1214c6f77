"""A world served over HTTP on this machine, where one file has no end, or comes in small pieces."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from marque.car.tuf.fetch import HttpFetcher

PIECES, PAUSE_S = 20, 0.05
"""A slow file takes a second, whatever its length."""
_SETTINGS = {"slow": {"timeout_s": 0.3, "least_bytes_per_s": 20_000.0}, "endless": {"timeout_s": 10.0, "least_bytes_per_s": 1.0}}


@contextmanager
def served(wire, trees):
    """The server's address. wire: `endless director/targets.json`, say. trees: files by repository and path."""
    how, _, what = wire.partition(" ")
    where, _, part = what.partition("/")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            repository, _, path = self.path.lstrip("/").partition("/")
            raw = trees.get(repository, {}).get(path)
            if raw is None:
                self.send_error(404)
                return
            bad = repository == where and part in path
            self.send_response(200)
            if not (bad and how == "endless"):
                self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            for piece in _pieces(raw, how if bad else ""):
                self.wfile.write(piece)
                self.wfile.flush()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.handle_error = True, lambda *_: None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _pieces(raw, how):
    if how == "endless":
        yield raw
        while True:
            yield b" " * 65536
    if how == "slow":
        size = max(1, len(raw) // PIECES)
        for start in range(0, len(raw), size):
            time.sleep(PAUSE_S)
            yield raw[start : start + size]
        return
    yield raw


def over_http(address, wire):
    """As `attack_world.in_memory`, from that address."""
    settings = _SETTINGS[wire.partition(" ")[0]]
    return tuple(HttpFetcher(f"{address}/{name}", repository=name, **settings) for name in ("director", "image", "targets"))
