"""Networks of the wheel."""

from pathlib import Path

import pytest
import sumo


@pytest.fixture(scope="session")
def games() -> Path:
    """The folder of networks the eclipse-sumo wheel carries."""
    return Path(sumo.SUMO_HOME) / "tools" / "game"
