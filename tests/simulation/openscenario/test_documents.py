"""Reading: nothing is passed over, everything that is wrong is named."""

import pytest
import stage
from lxml import etree

from marque.common import InputError
from marque.simulation.openscenario.document import Document
from marque.simulation.openscenario.scenario import read_story
from marque.simulation.openscenario.variations import read_variation

TEXT = stage.document(
    stage.story_of(stage.event("e", stage.speed(5.0, "linear", "rate", 2.0), stage.time_condition(1.0)), stop=stage.time_condition(5.0)),
    parameters='<ParameterDeclaration name="p" parameterType="double" value="3"/>',
)


def everywhere():
    tree = etree.fromstring(TEXT)
    return [tree.getroottree().getpath(element) for element in tree.iter()]


@pytest.mark.parametrize("path", everywhere())
def test_an_unknown_element_is_refused_by_name_wherever_it_stands(tmp_path, path):
    tree = etree.fromstring(TEXT)
    tree.xpath(path)[0].append(etree.Element("Unheard"))
    with pytest.raises(InputError, match=r"Unheard|expected in it|is missing"):
        read_story(stage.write(tmp_path, etree.tostring(tree, encoding="unicode")))


@pytest.mark.parametrize("path", everywhere())
def test_an_unknown_attribute_is_refused_by_name_wherever_it_stands(tmp_path, path):
    tree = etree.fromstring(TEXT)
    tree.xpath(path)[0].set("unheard", "1")
    with pytest.raises(InputError, match="unheard"):
        read_story(stage.write(tmp_path, etree.tostring(tree, encoding="unicode")))


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('laneId="-1" s="10.0"', 'laneId="-9" s="10.0"', "no lane -9"),
        ('roadId="7" laneId="-1" s="10.0"', 'roadId="8" laneId="-1" s="10.0"', 'no road "8"'),
        ('laneId="-1" s="10.0"', 'laneId="-1" s="1010.0"', "1000 m long"),
        ('entityRef="Other"/></Actors>', 'entityRef="Nobody"/></Actors>', 'no entity "Nobody"'),
        ('dynamicsShape="linear"', 'dynamicsShape="bumpy"', "bumpy"),
        ("road.xodr", "gone.xodr", "gone.xodr"),
        ('revMajor="1"', 'revMajor="2"', "1.0 to 1.3"),
        ('value="10.0"', 'value="$undeclared"', "undeclared"),
        ('value="10.0"', 'value="NaN"', "a number is expected"),
    ],
)
def test_what_is_wrong_is_said_with_the_file_and_the_element(tmp_path, before, after, named):
    assert before in TEXT
    with pytest.raises(InputError, match=named) as caught:
        read_story(stage.write(tmp_path, TEXT.replace(before, after)))
    assert caught.value.source == "file.xosc"


@pytest.mark.parametrize("action", ["LightStateAction", "OverrideControllerValueAction", "RandomRouteAction", "TrailerAction"])
def test_an_action_that_is_not_supported_is_refused_by_name(tmp_path, action):
    text = stage.document(stage.story_of(stage.event("e", f"<PrivateAction><{action}/></PrivateAction>")))
    with pytest.raises(InputError, match=action):
        read_story(stage.write(tmp_path, text))


def test_groups_of_constraints_are_alternatives_and_their_constraints_hold_together(tmp_path):
    declared = """<ParameterDeclaration name="p" parameterType="double" value="{}"><ConstraintGroup>
    <ValueConstraint rule="greaterThan" value="0"/><ValueConstraint rule="lessThan" value="5"/></ConstraintGroup>
    <ConstraintGroup><ValueConstraint rule="equalTo" value="9"/></ConstraintGroup></ParameterDeclaration>"""
    for value, allowed in (("3", True), ("9", True), ("7", False), ("0", False)):
        path = stage.write(tmp_path, stage.document(stage.story_of(""), parameters=declared.format(value)))
        if allowed:
            Document(path)
        else:
            with pytest.raises(InputError, match="constraints"):
                Document(path)


def test_a_catalog_entry_knows_its_own_parameters_only(tmp_path):
    (tmp_path / "catalogs").mkdir()
    catalog = f"""<OpenSCENARIO><FileHeader revMajor="1" revMinor="3"/><Catalog name="C">{stage.VEHICLE}</Catalog></OpenSCENARIO>"""
    catalog = catalog.replace(
        '<Vehicle name="v" vehicleCategory="car">',
        '<Vehicle name="v" vehicleCategory="car"><ParameterDeclarations>'
        '<ParameterDeclaration name="long" parameterType="double" value="4"/></ParameterDeclarations>',
    ).replace('length="4.5"', 'length="$long"')
    (tmp_path / "catalogs" / "c.xosc").write_text(catalog)
    reference = """<CatalogReference catalogName="C" entryName="v"><ParameterAssignments>
    <ParameterAssignment parameterRef="long" value="${$p * 2}"/></ParameterAssignments></CatalogReference>"""
    text = stage.document(
        stage.story_of(""),
        parameters='<ParameterDeclaration name="p" parameterType="double" value="3"/>',
        entities=f'<ScenarioObject name="Third">{reference}</ScenarioObject>',
    ).replace("<CatalogLocations/>", '<CatalogLocations><VehicleCatalog><Directory path="catalogs"/></VehicleCatalog></CatalogLocations>')
    story = read_story(stage.write(tmp_path, text))
    assert story.world.stage.entities["Third"].body.length_m == 6.0
    (tmp_path / "catalogs" / "c.xosc").write_text(catalog.replace("$long", "$p"))
    with pytest.raises(InputError, match='"p" is not declared'):
        read_story(stage.write(tmp_path, text))


def test_an_entry_may_refer_to_another_catalog(tmp_path):
    (tmp_path / "catalogs").mkdir()
    head = '<OpenSCENARIO><FileHeader revMajor="1" revMinor="3"/><Catalog name="{}">{}</Catalog></OpenSCENARIO>'
    route = f"""<Route name="r" closed="false">
    <Waypoint routeStrategy="shortest"><Position>{stage.lane_position(20.0)}</Position></Waypoint>
    <Waypoint routeStrategy="shortest"><Position>{stage.lane_position(90.0)}</Position></Waypoint></Route>"""
    (tmp_path / "catalogs" / "routes.xosc").write_text(head.format("Routes", route))
    follow = """<PrivateAction><RoutingAction><AssignRouteAction><CatalogReference catalogName="Routes" entryName="r"/></AssignRouteAction>
    </RoutingAction></PrivateAction>"""
    maneuver = f'<Maneuver name="go">{stage.event("e", follow)}</Maneuver>'
    (tmp_path / "catalogs" / "maneuvers.xosc").write_text(head.format("Maneuvers", maneuver))
    text = stage.document(
        stage.story_of("").replace('<Maneuver name="m"></Maneuver>', '<CatalogReference catalogName="Maneuvers" entryName="go"/>')
    )
    text = text.replace(
        "<CatalogLocations/>", '<CatalogLocations><RouteCatalog><Directory path="catalogs"/></RouteCatalog></CatalogLocations>'
    )
    story = stage.begun(tmp_path, text)
    assert story.world.stage.entities["Other"].route.length == pytest.approx(70.0)


VARIATION = """<OpenSCENARIO><FileHeader revMajor="1" revMinor="3"/><ParameterValueDistribution><ScenarioFile filepath="file.xosc"/>
<Deterministic><DeterministicSingleParameterDistribution parameterName="a"><DistributionRange stepWidth="0.25">
<Range lowerLimit="-0.5" upperLimit="0.5"/></DistributionRange></DeterministicSingleParameterDistribution>
<DeterministicMultiParameterDistribution><ValueSetDistribution>
<ParameterValueSet><ParameterAssignment parameterRef="b" value="x"/><ParameterAssignment parameterRef="c" value="1"/></ParameterValueSet>
<ParameterValueSet><ParameterAssignment parameterRef="b" value="y"/><ParameterAssignment parameterRef="c" value="2"/></ParameterValueSet>
</ValueSetDistribution></DeterministicMultiParameterDistribution></Deterministic></ParameterValueDistribution></OpenSCENARIO>"""


def test_a_variation_is_the_product_of_its_distributions(tmp_path):
    variation = read_variation(Document(stage.write(tmp_path, VARIATION, "variation.xosc")))
    cases = [variation.case(k) for k in range(len(variation))]
    assert cases == [
        {"a": a, "b": b, "c": c} for a in ("-0.5", "-0.25", "0", "0.25", "0.5") for b, c in (("x", "1"), ("y", "2"))
    ]  # fmt: skip
    assert list(variation.spread(4)) == [0, 3, 6, 9]
    assert list(variation.spread(4, lambda index: index not in {3, 4, 9})) == [0, 1, 5, 6]  # after the last one it begins anew
    assert list(variation.spread(20, lambda _: False)) == list(range(10))  # all are told, the forbidden ones too


def test_a_random_distribution_is_refused(tmp_path):
    text = VARIATION.replace("Deterministic>", "Stochastic>")
    with pytest.raises(InputError, match="Stochastic"):
        read_variation(Document(stage.write(tmp_path, text, "variation.xosc")))
