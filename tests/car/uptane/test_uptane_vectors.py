"""The public Uptane test vectors, in their dialect, through the verification that cars use."""

import pytest
import uptane_made
from uptane_vectors import EXPECTED, run


@pytest.fixture(scope="module")
def vectors(shared_data):
    return shared_data / "tuf" / "uptane_vectors"


def test_every_public_vector_comes_out_as_its_generator_meant_it(vectors, tmp_path):
    folders = [one for one in vectors.iterdir() if one.is_dir()]
    found = {one.name: run(one, tmp_path / one.name).outcome for one in folders}
    assert len(found) == 42
    assert found == {name: EXPECTED[name] for name in found}


@pytest.mark.parametrize("name", sorted(uptane_made.VECTORS))
def test_every_class_of_the_generator_comes_out_as_it_was_meant(name, tmp_path):
    """The generator's classes, those without a public vector too, made here with other keys."""
    uptane_made.write(name, tmp_path / name)
    assert run(tmp_path / name, tmp_path / "kept").outcome == EXPECTED[name]


@pytest.mark.parametrize("scheme", ["rsassa-pss-sha256", "rsassa-pss-sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_the_dialect_is_read_with_rsa_keys_and_either_encoding(scheme, encoding, tmp_path):
    uptane_made.write("delegation_simple", tmp_path / "vector", scheme=scheme, encoding=encoding)
    assert run(tmp_path / "vector", tmp_path / "kept").outcome == (0, "", None)


def test_every_class_of_the_generator_is_expected_and_made():
    assert set(uptane_made.VECTORS) == set(EXPECTED)
    assert len(EXPECTED) == 86
