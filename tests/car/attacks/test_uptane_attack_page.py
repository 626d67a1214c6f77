"""docs/attacks.md says what the table gives, and stock python-tuf does what the page says of it."""

import attack_page
import attack_stock
import pytest
from attack_besides import BESIDES, KNOWN, check, manifest
from attack_rows import ROWS

from marque.car.attacks import Attack, UpdateRefused


@pytest.fixture(scope="module")
def lines():
    return attack_page.PAGE.read_text(encoding="utf-8").splitlines()


def test_the_page_is_the_table(lines):
    """What it says of python-tuf is taken as it stands there; the test below measures it."""
    told = [next(line for line in lines if line.startswith(f"| {row.name} |")) for row in ROWS]
    stock = [line.rsplit(" | ", 1)[1].removesuffix(" |") for line in told]
    written = attack_page.page([attack_page.line(row, said) for row, said in zip(ROWS, stock, strict=True)])
    assert "\n".join(lines) + "\n" == written


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_stock_python_tuf_does_what_the_page_says(row, lines, tmp_path):
    assert attack_page.line(row, attack_stock.outcome(row, tmp_path)) in lines


@pytest.mark.parametrize("one", BESIDES, ids=lambda one: one.name)
def test_clock_and_server_refuse(one, tmp_path):
    with pytest.raises(UpdateRefused) as refused:
        one.tries(tmp_path)
    assert refused.value.attack is one.attack


def test_an_honest_manifest_is_taken():
    assert set(check(manifest()).reports) == set(KNOWN)


def test_the_table_is_as_wide_as_the_threats():
    """Every attack that has a name is met somewhere."""
    met = {row.full for row in ROWS} | {one.attack for one in BESIDES}
    assert met == set(Attack)
    assert len({row.name for row in ROWS}) == len(ROWS) >= 30
