"""What every blob store promises. A subclass gives `store`, empty, with a cap of CAP_BYTES, and `put_raw`, which writes beneath it."""

from __future__ import annotations

import hashlib
import io
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from marque.common import InputError, Missing
from marque.foundation.blobs import BlobChanged, Digest, blob_key

CAP_BYTES = 20 << 20
LARGE = random.Random(1).randbytes(9 << 20)  # more than a chunk, a part, and what waits in memory
ORGANISATIONS = ["gac", "gac-trumpchi", "huawei"]


def name_of(data):
    return hashlib.sha256(data).hexdigest()


def read_into(given, file):
    while chunk := file.read(1 << 20):
        given += chunk


class Trickle(io.RawIOBase):
    """A source that gives a few bytes at a time, as a socket does."""

    def __init__(self, data):
        self.file = io.BytesIO(data)

    def read(self, size=-1):
        return self.file.read(min(size, 70_000) if size > 0 else size)


class BrokenOff(io.RawIOBase):
    def __init__(self, after):
        self.left = after

    def read(self, size=-1):
        if self.left <= 0:
            raise ConnectionResetError("the sender hung up")
        self.left -= size
        return b"x" * size


class BlobStoreConformance:
    @pytest.fixture
    def blobs(self, store):
        return store.of("gac")

    @pytest.mark.parametrize("data", [b"", b"\0", b"evidence", LARGE], ids=["empty", "one byte", "small", "large"])
    @pytest.mark.parametrize("form", [bytes, bytearray, memoryview, io.BytesIO, Trickle, "path"], ids=str)
    def test_what_is_put_in_any_form_is_read_back_under_its_sha256(self, blobs, tmp_path, data, form):
        source = form
        if form == "path":
            source = tmp_path / "source"
            source.write_bytes(data)
        else:
            source = form(data)
        digest = blobs.put(source)
        assert digest == name_of(data) == Digest.of(data)
        assert blobs.exists(digest)
        assert blobs.read(digest) == data
        with blobs.open(digest) as file:
            assert b"".join(iter(lambda: file.read(100_001), b"")) == data

    def test_a_store_behaves_as_a_dictionary_per_organisation(self, store):
        run_state_machine_as_test(lambda: AgainstDictionaries(store), settings=settings(max_examples=20, stateful_step_count=20))

    def test_another_organisations_blob_is_as_missing_as_one_that_never_was(self, store):
        theirs, never = store.of("huawei").put(b"radar weights"), Digest.of(b"never put")
        for ours in (store.of("gac"), store.of("hua"), store.of("huawei-x")):
            told = []
            for digest in (theirs, never):
                assert not ours.exists(digest)
                for ask in (ours.read, ours.open):
                    with pytest.raises(Missing) as missing:
                        ask(digest)
                    told.append(str(missing.value).replace(digest, "…"))
                ours.delete(digest)
            assert set(told) == {"There is no such blob …."}
            assert list(ours.list()) == []
        assert store.of("huawei").read(theirs) == b"radar weights"

    @pytest.mark.parametrize(
        "code",
        ["", "..", ".", "gac/..", "../huawei", "GAC", "gac ", "-gac", "gac--x", "gac/huawei", ".incoming", "gac\n", "汽车", "a" * 64],
    )
    def test_an_organisation_is_its_code_and_no_way_into_other_places(self, store, code):
        with pytest.raises(InputError, match="is not a code"):
            store.of(code)

    @pytest.mark.parametrize("digest", ["", "../x", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "../" * 20 + "0000", "0" * 64 + "\n"])
    def test_what_is_no_digest_is_refused_by_every_question(self, blobs, digest):
        for ask in (blobs.open, blobs.read, blobs.exists, blobs.delete):
            with pytest.raises(InputError, match="is not 64 lower-case hexadecimal digits"):
                ask(digest)

    @pytest.mark.parametrize("harm", ["turned", "cut", "longer", "emptied"])
    def test_a_changed_blob_is_never_read_to_its_end_and_the_error_names_it(self, blobs, put_raw, harm):
        digest = blobs.put(LARGE)
        middle = len(LARGE) // 2
        turned = LARGE[:middle] + bytes([LARGE[middle] ^ 1]) + LARGE[middle + 1 :]
        stored = {"turned": turned, "cut": LARGE[:-1], "longer": LARGE + b"\0", "emptied": b""}[harm]
        put_raw("gac/" + blob_key(digest), stored)
        with pytest.raises(BlobChanged, match=digest):
            blobs.read(digest)
        given = bytearray()
        with blobs.open(digest) as file, pytest.raises(BlobChanged, match="Put the original again"):
            read_into(given, file)
        assert len(given) < max(1, len(stored))

    def test_putting_the_original_again_mends_a_changed_blob(self, blobs, put_raw):
        digest = blobs.put(b"true")
        put_raw("gac/" + blob_key(digest), b"trve")
        assert blobs.put(b"true") == digest
        assert blobs.read(digest) == b"true"

    def test_more_than_the_cap_is_refused_and_leaves_nothing(self, blobs, tmp_path):
        large = tmp_path / "large"
        large.write_bytes(b"\0" * (CAP_BYTES + 1))
        for source in (b"\0" * (CAP_BYTES + 1), io.BytesIO(b"\0" * (CAP_BYTES + 1)), large):
            with pytest.raises(InputError, match="more than the 20,971,520 bytes"):
                blobs.put(source)
        assert list(blobs.list()) == []
        assert blobs.read(blobs.put(b"\0" * CAP_BYTES)) == b"\0" * CAP_BYTES

    def test_a_source_that_breaks_off_leaves_nothing(self, blobs, tmp_path):
        for source, told in [(BrokenOff(15 << 20), "the sender hung up"), (tmp_path / "absent.bin", r"absent\.bin: it cannot be read")]:
            with pytest.raises(InputError, match=told):
                blobs.put(source)
        assert list(blobs.list()) == []

    def test_many_who_put_read_and_list_the_same_at_once_meet_only_whole_blobs(self, store):
        data = [bytes([i]) * (200_000 + i) for i in range(4)]

        def work(i):
            blobs, mine = store.of("gac"), data[i % 4]
            digest = blobs.put(mine)
            sizes = {blob.digest: blob.size_bytes for blob in blobs.list()}
            return digest == name_of(mine) and sizes[digest] == len(mine) and blobs.read(digest) == mine

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(work, range(32)))

    def test_a_blob_put_again_while_it_is_read_does_not_disturb_the_reader(self, blobs):
        digest = blobs.put(LARGE)
        with blobs.open(digest) as file:
            start = file.read(1000)
            blobs.put(LARGE)
            assert start + file.read() == LARGE

    def test_a_list_says_how_large_and_when(self, blobs):
        for data in (b"a", b"bb", LARGE):
            blobs.put(data)
        told = list(blobs.list())
        assert {(blob.digest, blob.size_bytes) for blob in told} == {(name_of(data), len(data)) for data in (b"a", b"bb", LARGE)}
        assert all(blob.stored_at.utcoffset().total_seconds() == 0 for blob in told)

    def test_a_working_store_passes_its_check_unseen(self, store):
        store.check()
        assert [blob for code in ORGANISATIONS for blob in store.of(code).list()] == []


class AgainstDictionaries(RuleBasedStateMachine):
    """The model: one dictionary per organisation."""

    CONTENTS = st.binary(max_size=64) | st.sampled_from([b"", b"a", b"b"])

    def __init__(self, store):
        super().__init__()
        self.store = store
        self.model = {code: {} for code in ORGANISATIONS}

    @rule(code=st.sampled_from(ORGANISATIONS), data=CONTENTS)
    def put(self, code, data):
        self.model[code][self.store.of(code).put(data)] = data

    @rule(code=st.sampled_from(ORGANISATIONS), data=CONTENTS)
    def delete(self, code, data):
        self.store.of(code).delete(name_of(data))
        self.model[code].pop(name_of(data), None)

    @rule(code=st.sampled_from(ORGANISATIONS), data=CONTENTS)
    def read(self, code, data):
        digest = name_of(data)
        if digest in self.model[code]:
            assert self.store.of(code).read(digest) == data
        else:
            with pytest.raises(Missing):
                self.store.of(code).read(digest)
        assert self.store.of(code).exists(digest) == (digest in self.model[code])

    @invariant()
    def lists_agree(self):
        for code, model in self.model.items():
            told = [(blob.digest, blob.size_bytes) for blob in self.store.of(code).list()]
            assert told == sorted((digest, len(data)) for digest, data in model.items())

    def teardown(self):
        for code in ORGANISATIONS:
            for blob in list(self.store.of(code).list()):
                self.store.of(code).delete(blob.digest)
