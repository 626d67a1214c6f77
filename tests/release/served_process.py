"""`marque serve --working` by a clock that was set. Arguments: its instant, when it had it (s since 1970), a file for the address.

What the calendar has done each minute is done each second.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from marque.app.console.join import Console
from marque.app.platform import start
from marque.app.settings import read_settings
from marque.app.web import create_app
from marque.foundation.registry import Registry


def main(began: str, wall_s: str, address: str) -> None:
    from end_to_end import RunningClock

    every = Registry.every

    def often(self: Registry, cron: str, *args: Any, **more: Any) -> None:
        every(self, f"{cron} *", *args, **more)

    Registry.every = often  # type: ignore[method-assign]
    settings, clock = read_settings(), RunningClock(datetime.fromisoformat(began), float(wall_s))
    console = Console(settings, clock, lambda: start(settings, clock), working=True)
    console.platform()
    app = create_app(None, hosts=("127.0.0.1", "localhost"), console=console)

    class Told(uvicorn.Server):
        """Writes where it listens, once it does."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            port = self.servers[0].sockets[0].getsockname()[1]
            Path(address).with_suffix(".part").write_text(f"http://127.0.0.1:{port}")
            Path(address).with_suffix(".part").rename(address)

    Told(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
