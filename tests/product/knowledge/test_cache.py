"""Circuits and compilations cut off, in files."""

import numpy as np
import pytest
from small_formulas import check_form, count, formula

from marque.product.knowledge import cache
from marque.product.knowledge import compile as compiler
from marque.product.knowledge.compile import LimitReached, Limits, compile_formula

NAMES = ("kinds", "literals", "first", "children", "open_first", "open", "free")


@pytest.fixture
def cnf():
    """Large enough that it takes some thousand steps."""
    random = np.random.default_rng(5)
    clauses = [[int(v) * int(random.choice((-1, 1))) for v in random.choice(np.arange(1, 33), 3, replace=False)] for _ in range(64)]
    return formula(32, clauses)


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in NAMES)


def test_a_circuit_is_read_as_it_was_written(cnf, tmp_path):
    circuit = compile_formula(cnf)
    cache.save_circuit(tmp_path, circuit)
    kept = cache.load_circuit(tmp_path, cnf)
    assert same(kept, circuit)
    assert (kept.variables, kept.counted, kept.digest) == (circuit.variables, circuit.counted, circuit.digest)
    assert not kept.children.flags.writeable


def test_a_formula_that_is_in_the_cache_is_not_compiled_again(cnf, tmp_path, monkeypatch):
    circuit = compile_formula(cnf, cache=tmp_path)
    monkeypatch.setattr(compiler, "reduce", None)
    assert same(compile_formula(cnf, cache=tmp_path), circuit)


def test_one_changed_byte_anywhere_is_noticed(cnf, tmp_path):
    path = cache.save_circuit(tmp_path, compile_formula(cnf))
    good = path.read_bytes()
    for place in [*range(0, len(good), max(1, len(good) // 150)), len(good) - 1]:
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        kept = cache.load_circuit(tmp_path, cnf)
        assert kept is None or same(kept, compile_formula(cnf)), f"byte {place}"  # a space of the head may differ


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda good: good[: len(good) // 2], "shorter or longer"),
        (lambda good: good + b"\0", "shorter or longer"),
        (lambda _: b"", "not a file of arrays"),
        (lambda good: good.replace(b'"version":', b'"version":9', 1), "another version"),
        (lambda good: good[:20] + b"]" + good[21:], "head cannot be read"),
        (lambda good: good[:-1] + bytes([good[-1] ^ 1]), "content was changed"),
    ],
)
def test_a_broken_file_says_why_and_is_replaced(cnf, tmp_path, spoil, reason):
    circuit = compile_formula(cnf, cache=tmp_path)
    path = cache.circuit_path(tmp_path, cnf.digest)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(cache.Broken, match=reason):
        cache.read_circuit(path, cnf)
    assert same(compile_formula(cnf, cache=tmp_path), circuit)
    assert same(cache.read_circuit(path, cnf), circuit)


def test_a_circuit_of_another_formula_under_this_name_is_not_taken(cnf, tmp_path):
    other = formula(3, [[1, 2], [-2, 3]])
    cache.save_circuit(tmp_path, compile_formula(other))
    cache.circuit_path(tmp_path, other.digest).rename(cache.circuit_path(tmp_path, cnf.digest))
    with pytest.raises(cache.Broken, match="something else"):
        cache.read_circuit(cache.circuit_path(tmp_path, cnf.digest), cnf)


def test_no_file_is_left_half_written(cnf, tmp_path, monkeypatch):
    def fails(_handle):
        raise OSError("the disk is full")

    monkeypatch.setattr(cache.os, "fsync", fails)
    with pytest.raises(OSError, match="full"):
        cache.save_circuit(tmp_path, compile_formula(cnf))
    assert not list(tmp_path.iterdir())


def test_a_compilation_cut_off_again_and_again_continues_to_a_circuit_of_the_formula(cnf, tmp_path, monkeypatch):
    whole = compile_formula(cnf)
    monkeypatch.setattr(compiler, "_STEPS", 20)
    parts, allowed = 0, 0
    while True:
        allowed += 400
        try:
            circuit = compile_formula(cnf, cache=tmp_path, limit=Limits(nodes=allowed))
            break
        except LimitReached as reached:
            parts += 1
            nodes = reached.progress.nodes
        if not allowed < nodes < allowed + 40:
            pytest.fail("it did not continue, but began anew")
    assert parts > 2
    check_form(circuit)
    assert count(circuit) == count(whole)
    assert not cache.walk_path(tmp_path, cnf.digest).exists()


def test_a_broken_compilation_begins_anew(cnf, tmp_path, monkeypatch):
    monkeypatch.setattr(compiler, "_STEPS", 7)
    with pytest.raises(LimitReached):
        compile_formula(cnf, cache=tmp_path, limit=Limits(nodes=100))
    path = cache.walk_path(tmp_path, cnf.digest)
    path.write_bytes(path.read_bytes()[:-100])
    assert same(compile_formula(cnf, cache=tmp_path), compile_formula(cnf))


def test_a_compilation_too_large_for_a_file_is_not_kept(cnf, tmp_path, monkeypatch):
    monkeypatch.setattr(compiler, "_STEPS", 20)
    monkeypatch.setattr(compiler, "_KEPT_BYTES", 1000)
    with pytest.raises(LimitReached):
        compile_formula(cnf, cache=tmp_path, limit=Limits(nodes=100))
    assert not list(tmp_path.iterdir())


def test_progress_grows_to_the_end(cnf, monkeypatch):
    monkeypatch.setattr(compiler, "_STEPS", 20)
    monkeypatch.setattr(compiler, "_TOLD_S", -1.0)
    told = []
    compile_formula(cnf, progress=told.append)
    done = [progress.done for progress in told]
    assert len(told) > 10
    assert done == sorted(done)
    assert 0 <= done[0] < 0.5 < done[-1] <= 1


@pytest.mark.parametrize("limit", [Limits(seconds=0), Limits(nodes=10), Limits(bytes=1000)])
def test_what_would_take_too_much_is_refused_with_the_limit_named(cnf, limit, monkeypatch):
    monkeypatch.setattr(compiler, "_STEPS", 7)
    with pytest.raises(LimitReached, match="Compiling the formula needs more than"):
        compile_formula(cnf, limit=limit)


def test_counts_do_not_depend_on_where_clauses_learnt_are_forgotten(cnf, monkeypatch):
    whole = count(compile_formula(cnf))
    monkeypatch.setattr(compiler, "_LEARNT_CLAUSES", 4)
    monkeypatch.setattr(compiler, "_STEPS", 1)
    assert count(compile_formula(cnf)) == whole
