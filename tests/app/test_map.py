"""`marque map`."""

import pytest
from matplotlib import image
from typer.testing import CliRunner

from marque.app.cli import app
from marque.common import InputError
from marque.driving.importers import wheel_maps


def test_a_map_is_told_and_drawn(tmp_path):
    png = tmp_path / "map.png"
    result = CliRunner().invoke(app, ["map", str(wheel_maps()["ingolstadt"]), "--png", str(png)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    for words in ("lanes outside junctions", "136", "4.9 km", "pedestrian crossings", "signals", "right before left", "walkingarea"):
        assert words in result.output
    picture = image.imread(png)
    assert max(picture.shape[:2]) == 3200
    assert picture[..., 0].std() > 0.05


def test_what_is_no_map_is_told_in_one_sentence(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir,")
    result = CliRunner().invoke(app, ["map", str(path)])
    assert isinstance(result.exception, InputError)
    with pytest.raises(InputError, match=r"letter\.txt, line 1.*\n.*OpenDRIVE"):
        raise result.exception
