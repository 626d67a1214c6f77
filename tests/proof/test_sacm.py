"""A safety case as SACM: read by a reader of its own against the metamodel, said again by it, and judged again from what it says."""

from __future__ import annotations

from argued_facts import facts
from hypothesis import given, settings
from hypothesis import strategies as st
from random_arguments import arguments
from sacm_reader import Thing, is_a, read

from marque.proof.report import sacm
from marque.proof.report.argument import Argument, Cited, Defeater, Element, Kind, Status, argument

CLAIMS = {"goal": "Claim", "assumption": "Claim", "justification": "Claim", "strategy": "ArgumentReasoning"}


def assets(case: Thing) -> list[Thing]:
    (package,) = case.holds["argumentPackage"]
    return package.holds["argumentationElement"]


def gsn(thing: Thing) -> str:
    return "".join(thing.tags("GSN"))


def relations(case: Thing, *, counter: bool) -> list[Thing]:
    return [one for one in assets(case) if "source" in one.points and (one.attributes.get("isCounter") == "true") == counter]


def said_again(case: Thing) -> dict[str, tuple[str, str, set[str], set[str]]]:
    """By id: kind, text, what supports it, what stands beside it; from the relations alone."""
    found = {one.gid: (gsn(one), one.text(), set(), set()) for one in assets(case) if gsn(one) in set(Kind)}
    for one in relations(case, counter=False):
        (target,) = one.points["target"]
        sources = {each.gid for each in one.points["source"]}
        if one.kind == "AssertedContext":
            found[target.gid][3].update(sources)
        elif one.points.get("reasoning"):
            (strategy,) = one.points["reasoning"]
            found[target.gid][2].add(strategy.gid)
            found[strategy.gid][2].update(sources)
        else:
            assert (one.kind == "AssertedEvidence") == (one.points["source"][0].kind == "ArtifactReference")
            found[target.gid][2].update(sources)
    for one in assets(case):
        for parents in one.tags("supports"):
            for name in parents.split():
                found[name][2].add(one.gid)
    return found


@settings(max_examples=40)
@given(arguments())
def test_what_is_read_back_is_the_argument_that_was_written(made):
    found = said_again(read(sacm.dumps(made)))
    assert found == {one.id: (one.kind, one.text, set(one.supported_by), set(one.in_context_of)) for one in made.elements}


@settings(max_examples=40)
@given(arguments())
def test_elements_are_of_the_classes_that_stand_for_them(made):
    for one in assets(read(sacm.dumps(made))):
        if gsn(one) in set(Kind):
            assert one.kind == CLAIMS.get(gsn(one), "ArtifactReference")
        elif "source" not in one.points:
            assert one.kind == "Claim"


def live(case: Thing, counter: Thing) -> bool:
    """Whether a counter argument holds: nothing that holds counters the claim it comes from."""
    (source,) = counter.points["source"]
    return not any(live(case, one) for one in relations(case, counter=True) if source in one.points["target"])


def hit(case: Thing, thing: Thing) -> bool:
    return any(live(case, one) for one in relations(case, counter=True) if any(each is thing for each in one.points["target"]))


def falls(case: Thing, thing: Thing) -> bool:
    """Whether it, or anything it rests on, is countered; from relations and counters, without a look at what is declared."""
    if hit(case, thing):
        return True
    for one in relations(case, counter=False):
        if any(each is thing for each in one.points["target"]):
            rests = [*one.points["source"], *one.points.get("reasoning", [])]
            if hit(case, one) or any(falls(case, each) for each in rests):
                return True
    unsupported = [one for one in assets(case) if any(thing.gid in tags.split() for tags in one.tags("supports"))]
    return any(falls(case, one) for one in unsupported)


@settings(max_examples=40)
@given(arguments())
def test_what_is_declared_defeated_is_what_its_counter_claims_defeat(made):
    case = read(sacm.dumps(made))
    for one in assets(case):
        if gsn(one) in {"goal", "assumption", "justification"}:
            fallen = falls(case, one)
            assert fallen == (one.attributes["assertionDeclaration"] == "defeated")
            assert fallen == (made.status(one.gid) is Status.DEFEATED)
        elif gsn(one) in {"counter goal", "answer"}:
            assert hit(case, one) == (one.attributes["assertionDeclaration"] == "defeated")
    open_ = {one.gid for one in assets(case) if gsn(one) == "counter goal" and one.attributes["assertionDeclaration"] == "asserted"}
    assert open_ == {one.id for one in made.open}


@settings(max_examples=40)
@given(arguments())
def test_a_goal_that_nothing_supports_needs_support(made):
    for one in assets(read(sacm.dumps(made))):
        if gsn(one) == "goal" and made.status(one.gid) is not Status.DEFEATED:
            carried = any(
                made.element(name).kind is not Kind.STRATEGY or made.element(name).supported_by
                for name in made.element(one.gid).supported_by
            )
            assert (one.attributes["assertionDeclaration"] == "needsSupport") == (not carried)


@settings(max_examples=40)
@given(arguments())
def test_each_defeater_counters_what_it_challenges(made):
    case = read(sacm.dumps(made))
    counters = {one.points["source"][0].gid: one.points["target"] for one in relations(case, counter=True)}
    carrying = {each.gid for one in relations(case, counter=False) for each in one.points["source"] + one.points.get("reasoning", [])}
    for one in relations(case, counter=True):
        (source,) = one.points["source"]
        assert (one.attributes["assertionDeclaration"] == "defeated") == (source.attributes["assertionDeclaration"] == "defeated")
    for one in made.defeaters:
        for target in counters[one.id]:
            assert is_a(target.kind, "Assertion") or target.gid not in carrying, "what is no assertion cannot be countered"
            told = {target.gid} | {each.gid for name in ("source", "reasoning") for each in target.points.get(name, [])}
            assert one.challenges in told or target.gid == f"{one.challenges} answer"


def test_the_case_of_a_release_cites_its_evidence_by_digest():
    made = argument(facts({0: "lost"}, before={6: "failed"}))
    case = read(sacm.dumps(made))
    (package,) = case.holds["artifactPackage"]
    artifacts = {}
    for one in package.holds["artifactElement"]:
        (digest,) = one.holds["artifactProperty"]
        assert digest.holds["name"][0].attributes["content"] == "SHA-256"
        artifacts.setdefault(one.gid, set()).add(digest.holds["description"][0].text())
    cited = [each for one in made.elements for each in one.cited]
    assert {(each.file, each.digest) for each in cited} == {(file, digest) for file, found in artifacts.items() for digest in found}
    for one in assets(case):
        if gsn(one) == "solution":
            assert {each.gid for each in one.points["referencedArtifactElement"]} == {each.file for each in made.element(one.gid).cited}
            assert [each.partition(" ")[2] for each in one.tags("cited")] == [each.place for each in made.element(one.gid).cited]


def test_the_same_argument_gives_the_same_bytes():
    assert sacm.dumps(argument(facts())) == sacm.dumps(argument(facts()))


@settings(max_examples=60)
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_the_file_or_the_names_in_it(text, name):
    told = "".join(one for one in name if not one.isspace()) or "x"
    goals = tuple(Element(f"G2.{one}", Kind.GOAL, text or ".", ("Sn1",)) for one in dict.fromkeys((told, "x", "/", "_2f_", "é")))
    solution = Element("Sn1", Kind.SOLUTION, text, cited=(Cited(text or "x", "ab" * 32),))
    top = Element("G1", Kind.GOAL, text, tuple(one.id for one in goals))
    case = read(sacm.dumps(Argument("G1", (top, *goals, solution), (Defeater("CG1", "G1", text, "Li"),))))
    assert sum(gsn(one) == "goal" for one in assets(case)) == len(goals) + 1


def test_what_xml_cannot_hold_is_told_as_not_legible():
    top = Element("G1", Kind.GOAL, "a\x00b\x1fc\ud800d\ne\tf & <g> \U0001f697", ())
    (goal,) = [one for one in assets(read(sacm.dumps(Argument("G1", (top,))))) if gsn(one) == "goal"]
    assert goal.text() == "a\ufffdb\ufffdc\ufffdd\ne\tf & <g> \U0001f697"
