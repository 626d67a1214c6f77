"""The law of the road as data: what differs from market to market, one frozen table each, every fact with its source.

What is alike everywhere (stop at red, yield where a sign says so, who circulates in a signed roundabout goes first, keep junctions clear)
is in `rules` and in the importers. A market is chosen by the map's
country (`RoadMap.country`), or by the side its traffic keeps to, or by whoever makes a `Pilot`.

Sources, by market:
Germany: Straßenverkehrs-Ordnung (StVO); RiLSA 2015 for lights; Autobahn-Richtgeschwindigkeits-Verordnung.
China: Road Traffic Safety Law (RTSL, 2021), its Implementing Regulations (IR, 2017); GB 14886-2016 for lights.
United States: traffic law is the states'; this is California's Vehicle Code (CVC), and the MUTCD for lights and roundabouts.
United Kingdom: Highway Code (HC, 2023); Road Traffic Regulation Act 1984 (RTRA), section 81; TSRGD 2016 for lights.
Japan: Road Traffic Act (RTA) and its Enforcement Order (EO).
"""

from __future__ import annotations

from dataclasses import dataclass

from marque.driving.law import Amber, Equals, First, Law, OnRed, RoadKind

KMH, MPH = 1.0 / 3.6, 0.44704


@dataclass(frozen=True, slots=True)
class Market:
    """The traffic law of one country, as far as the driving system has to know it."""

    name: str
    countries: tuple[str, ...]
    """ISO 3166-1 alpha-3 codes whose maps are driven by it."""
    right_hand_traffic: bool
    first: First
    left_before_right: bool
    """Of two that turn into the same road from opposite sides the one across the oncoming lane goes first."""
    on_red: OnRed
    kerb_first: bool
    passes_nearside: bool
    keeps_nearside: bool
    stops_for_siren: bool
    corridor: bool
    limits_mps: tuple[float, float, float]
    """By `RoadKind`, where nothing is posted; inf for none."""
    amber: Amber

    def limit_mps(self, kind: RoadKind) -> float:
        """The statutory speed limit of a car."""
        return self.limits_mps[kind]

    @property
    def equals(self) -> Equals:
        return Equals(self.right_hand_traffic, self.first, self.left_before_right)

    @property
    def law(self) -> Law:
        return Law(
            -1.0 if self.right_hand_traffic else 1.0,
            int(self.on_red),
            int(self.kerb_first),
            int(self.passes_nearside),
            int(self.keeps_nearside),
            int(self.stops_for_siren),
            int(self.corridor),
            self.amber,
        )


GERMANY = Market(
    "Germany",
    ("DEU", "AUT", "ZAM"),  # ZAM: CommonRoad's country of no place
    right_hand_traffic=True,  # § 2 (2)
    first=First.FROM_THE_RIGHT,  # § 8 (1)
    left_before_right=False,  # § 9 (4): who turns left lets pass who turns right from the other side
    on_red=OnRed.NO,  # § 37 (2): only beside a green arrow (sign 720)
    kerb_first=True,  # § 26 (1): who recognisably wants to use the crossing
    passes_nearside=False,  # § 5 (1); § 7 (2a): only past a queue
    keeps_nearside=True,  # § 2 (2)
    stops_for_siren=False,  # § 38 (1): make way at once
    corridor=True,  # § 11 (2)
    limits_mps=(50.0 * KMH, 100.0 * KMH, 130.0 * KMH),  # § 3 (3); 130 is advised (Autobahn-Richtgeschwindigkeits-V § 1), and kept to here
    amber=Amber(3.0, 50.0 * KMH, 0.36, 5.0),  # RiLSA 2.4.1: 3, 4, 5 s at 50, 60, 70 km/h
)
CHINA = Market(
    "China",
    ("CHN",),
    right_hand_traffic=True,  # RTSL 35
    first=First.FROM_THE_RIGHT,  # IR 52 (2)
    left_before_right=True,  # IR 52 (4)
    on_red=OnRed.GIVING_WAY,  # IR 38: to the right, without hindering who has green
    kerb_first=False,  # RTSL 47: stop for those who are crossing
    passes_nearside=False,  # IR 47: overtake on the left
    keeps_nearside=True,  # RTSL 44, IR 44: slower traffic to the right
    stops_for_siren=False,  # RTSL 53: give way
    corridor=False,
    limits_mps=(50.0 * KMH, 70.0 * KMH, 120.0 * KMH),  # IR 45 (one lane each way), IR 78
    amber=Amber(3.0),  # GB 14886-2016
)
UNITED_STATES = Market(
    "United States",
    ("USA",),
    right_hand_traffic=True,  # CVC 21650
    first=First.FROM_THE_RIGHT,  # CVC 21800 (b)
    left_before_right=False,  # CVC 21801 (a)
    on_red=OnRed.AFTER_STOP,  # CVC 21453 (b)
    kerb_first=False,  # CVC 21950 (a): crossing the roadway
    passes_nearside=True,  # CVC 21754 (d)
    keeps_nearside=False,  # CVC 21654 (a): only who is slower than the rest
    stops_for_siren=True,  # CVC 21806 (a) (1)
    corridor=False,
    limits_mps=(25.0 * MPH, 55.0 * MPH, 65.0 * MPH),  # CVC 22352 (b), 22349 (b), 22349 (a)
    amber=Amber(3.0, 25.0 * MPH, 0.157, 5.8),  # CA MUTCD table 4D-102: 3.0 s at 25 mph … 5.8 s at 65 mph
)
UNITED_KINGDOM = Market(
    "United Kingdom",
    ("GBR",),
    right_hand_traffic=False,  # HC 160
    first=First.NOBODY,  # HC 146
    left_before_right=False,  # HC 179, 180
    on_red=OnRed.NO,  # HC 109; TSRGD schedule 14
    kerb_first=True,  # HC H2, 195
    passes_nearside=False,  # HC 268
    keeps_nearside=True,  # HC 264
    stops_for_siren=False,  # HC 219
    corridor=False,
    limits_mps=(30.0 * MPH, 60.0 * MPH, 70.0 * MPH),  # RTRA 81; HC 124
    amber=Amber(3.0),  # Traffic Signs Manual, chapter 6
)
JAPAN = Market(
    "Japan",
    ("JPN",),
    right_hand_traffic=False,  # RTA 17 (4)
    first=First.FROM_THE_LEFT,  # RTA 36 (1)
    left_before_right=False,  # RTA 37: who turns right goes last
    on_red=OnRed.NO,  # EO 2
    kerb_first=True,  # RTA 38 (1): who crosses or is about to
    passes_nearside=False,  # RTA 28 (1)
    keeps_nearside=True,  # RTA 20 (1)
    stops_for_siren=True,  # RTA 40 (1): near junctions to the left side, and halt
    corridor=False,
    limits_mps=(60.0 * KMH, 60.0 * KMH, 100.0 * KMH),  # EO 11, EO 27
    amber=Amber(3.0, 60.0 * KMH, 0.36, 4.0),  # practice; EO 2 says only that who can stop must
)
ALPHA_3 = {"AT": "AUT", "CN": "CHN", "DE": "DEU", "GB": "GBR", "JP": "JPN", "UK": "GBR", "US": "USA"}
"""Of countries that maps name by two letters."""
MARKETS = (GERMANY, CHINA, UNITED_STATES, UNITED_KINGDOM, JAPAN)


def market_of(country: str, right_hand_traffic: bool) -> Market:
    """The market of a country's code.

    Of a country without a table, or of none: Germany's where traffic keeps right, whose rules are those of the Vienna Convention on Road
    Traffic (1968); the United Kingdom's where it keeps left. So too where a map shows traffic on the other side than its country's law.
    """
    found = next((market for market in MARKETS if country and country in market.countries), None)
    if found is not None and found.right_hand_traffic == right_hand_traffic:
        return found
    return GERMANY if right_hand_traffic else UNITED_KINGDOM
