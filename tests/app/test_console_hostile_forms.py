"""Forms of the console that come from elsewhere or hold what cannot be taken change nothing and break nothing."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pytest
from console_routes import tree
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.alliance import sessions

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from console_bench import FORMS, ME, NASTY, OTHERS, OWN_PAGE, PAGE, POSTS, THEM, ask, database_of, place, two_rivals
from rivals import ORIGIN
from rivals_world import columns


@pytest.fixture(scope="module")
def bench(shared_database, tmp_path_factory):
    with two_rivals(shared_database, tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture
def kept(bench):
    bench.database.keeps = True
    yield bench
    bench.database.keeps = False


@pytest.fixture
def everything(bench):
    """A digest of every row of every organisation."""
    with database_of(bench) as connection:
        one = "select '{0}' as place, md5(string_agg(t::text, '|' order by t::text)) from {0} t"
        asked = " union all ".join(one.format(table) for table in columns(connection))
        yield lambda: sorted(connection.execute(asked).fetchall())


# Forms of other sites --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", POSTS)
def test_a_form_counts_only_from_one_of_our_pages_with_the_mark_of_this_session(kept, everything, path):
    where, form, token = place(kept, path), FORMS.get(path, OTHERS), kept.world.sides[ME].session
    right, before = sessions.csrf_token(token), everything()
    for mark, headers in (
        (None, OWN_PAGE), ("", OWN_PAGE), (right[:-1], OWN_PAGE), (sessions.csrf_token(kept.world.sides[THEM].session), OWN_PAGE),
        (token, OWN_PAGE), (right, {}), (right, {"sec-fetch-site": "cross-site"}), (right, {"sec-fetch-site": "same-site"}),
        (right, {"sec-fetch-site": "none"}), (right, {"origin": "https://evil.example"}), (right, {"origin": "null"}),
        (right, {"sec-fetch-site": "cross-site", "origin": ORIGIN}),
    ):  # fmt: skip
        marked = {} if mark is None else {"csrf": mark}
        ways = [{"data": form | marked}, {"content": "{}", "headers": {"content-type": "application/json", "x-csrf": mark or ""}}]
        for way in ways:
            sent = {"cookie": f"session={token}"} | headers | way.pop("headers", {})
            answer = kept.client.post(where, headers=sent, **way)
            assert answer.status_code == 403, (mark, headers)
    assert kept.client.post(f"{where}?csrf={right}", headers={"cookie": f"session={token}"} | OWN_PAGE, data=form).status_code == 403
    assert everything() == before


@pytest.mark.parametrize("path", POSTS)
def test_the_same_form_from_one_of_our_pages_is_taken_or_refused_for_what_it_says(bench, path):
    json_ = path.endswith("{challenge}")
    body = {"content": "{}"} if json_ else {"form": FORMS.get(path, OTHERS)}
    marked = {"content-type": "application/json", "x-csrf": sessions.csrf_token(bench.world.sides[ME].session)} if json_ else {}
    answer = ask(bench, "POST", place(bench, path), headers=marked, **body)
    assert answer.status_code in ({200, 303} if path in FORMS else {404, 409, 422}), answer.text


@pytest.mark.parametrize("path", POSTS)
def test_a_form_of_somebody_who_is_signed_out_is_not_read(kept, everything, path):
    before = everything()
    answer = kept.client.post(place(kept, path), headers=OWN_PAGE, data=FORMS.get(path, OTHERS))
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=%2Fconsole")
    assert everything() == before


@pytest.mark.parametrize("path", [one for one in POSTS if not one.endswith("{challenge}")])
@settings(max_examples=8)
@given(data=st.data())
def test_no_form_whatever_stands_in_it_breaks_anything(bench, path, data):
    form = FORMS.get(path, OTHERS) | {"version": "1"}
    chosen = data.draw(st.sets(st.sampled_from(sorted(form)), min_size=1))
    drawn = {name: data.draw(NASTY) for name in sorted(chosen)}
    answer = ask(bench, "POST", place(bench, path), form=form | drawn, headers=PAGE)
    assert answer.status_code in {200, 303, 403, 404, 409, 422}


NAMES = st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)


@pytest.mark.parametrize("path", [one for one in POSTS if one.endswith("{challenge}")])
@settings(max_examples=25)
@given(said=JSON)
def test_no_answer_of_a_passkey_whatever_it_says_breaks_anything(bench, path, said):
    marked = {"content-type": "application/json", "x-csrf": sessions.csrf_token(bench.world.sides[ME].session)}
    answer = ask(bench, "POST", place(bench, path), headers=marked, content=json.dumps(said))
    assert answer.status_code in {404, 409, 422}


@pytest.mark.parametrize(
    ("path", "field"),
    [("/console/me/keys", "request"), ("/console/agreements/{owner}/{agreement}/revisions/{number}/sign", "envelope")],
)
@settings(max_examples=15)
@given(content=st.binary(max_size=200) | st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xfe{\0}\0", b"{" * 3000, b" " * (5 << 20)]))
def test_a_file_that_is_none_of_ours_is_refused(bench, path, field, content):
    files = {field: ("file", content, "application/octet-stream")}
    answer = ask(bench, "POST", place(bench, path), form={}, files=files, headers=PAGE)
    assert answer.status_code in {409, 422}
    assert tree(answer.text).xpath("//*[@role='alert']")


@settings(max_examples=40)
@given(asked=st.text(max_size=12) | st.dates().map(str))
def test_a_day_that_is_none_is_today_and_every_other_one_is_shown(bench, asked):
    for path in ("/console/agreements/{owner}/{agreement}", "/console/programmes/{lead}/{programme}"):
        answer = ask(bench, "GET", f"{place(bench, path)}?on={quote(asked)}")
        assert answer.status_code == 200
        try:
            day = min(date.fromisoformat(asked), date(2199, 12, 31))
        except ValueError:
            day = bench.database.clock.now().date()
        assert tree(answer.text).xpath("string(//input[@name='on']/@value)") == day.isoformat()
