"""A small model line with prices in four invented markets, and documents made by hand or by chance."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from typing import Any

from marque.product import uvl
from marque.product.prices import Purchase

MODEL = """features
    Car {abstract}
        mandatory
            Model {abstract}
                alternative
                    Suv {mass_kg 2300.5}
                    Sedan {mass_kg 2100}
            Wheels {abstract}
                alternative
                    Wheel19
                    Wheel20
                    Wheel21
        optional
            Sport
            Winter
            SeatHeating
            WheelHeating
            HeatPump
            TowBar {from '2026-05-01', until '2026-10-31'}
constraints
    Sport => !Wheel19
    Winter => SeatHeating & WheelHeating
    TowBar => Suv & !Wheel21
"""
OPTIONS = ("Sport", "Winter", "SeatHeating", "WheelHeating", "HeatPump", "TowBar")


def model() -> Any:
    return uvl.parse(MODEL, "small.uvl")


def price_list(**changed: Any) -> dict[str, Any]:
    said = {
        "kind": "marque price list 1",
        "market": "de",
        "line": "Car",
        "version": "1",
        "currency": "EUR",
        "from": "2026-01-01",
        "until": "2026-12-31",
        "basis": "gross",
        "quote_days": 30,
        "base": [{"feature": "Suv", "price": "59999.99"}, {"feature": "Sedan", "price": "54321.00"}],
        "features": [
            {"feature": "Wheel20", "price": "1000.00"},
            {
                "feature": "Wheel21",
                "price": "2190.00",
                "cases": [{"if": "Sport & Suv", "price": "0.00"}, {"if": "Winter", "price": "1990.01"}],
            },
            {"feature": "SeatHeating", "price": "390.00"},
            {"feature": "WheelHeating", "price": "249.99", "cases": [{"if": "HeatPump", "price": "199.00"}]},
            {"feature": "HeatPump", "price": "990.00"},
            {"feature": "TowBar", "price": "1190.00"},
        ],
        "packages": [
            {"feature": "Sport", "price": "3490.00", "members": {"Wheel20": "0.00", "SeatHeating": "190.00"}},
            {"feature": "Winter", "price": "590.00", "members": {"SeatHeating": "0.00", "WheelHeating": "0.00"}},
        ],
        "discounts": [
            {"code": "early", "name": "Early", "percent": "2.5", "of": "vehicle", "cap": "1500.00", "until": "2026-06-30"},
            {"code": "fleet", "name": "Fleet", "percent": "7.25", "of": "options", "on_request": True},
            {"code": "suv", "name": "Suv", "amount": "333.33", "of": "base", "if": "Suv & !Sport"},
        ],
        "fees": [
            {"code": "delivery", "name": "Delivery", "price": "990.00", "taxed": True, "regions": {"north": "1190.00"}},
            {"code": "deposit", "name": "Plates", "price": "26.70", "taxed": False},
        ],
    }
    return said | changed


_SOURCE = {"title": "Invented", "date": "2026"}


def tax_rules(**changed: Any) -> dict[str, Any]:
    said = {
        "kind": "marque tax rules 1",
        "market": "de",
        "version": "1",
        "currency": "EUR",
        "from": "2026-01-01",
        "until": None,
        "rounding": {"vat": "total", "mode": "half_up"},
        "vat": [
            {"percent": "19", "until": "2026-08-31", "source": _SOURCE},
            {"percent": "21", "from": "2026-09-01", "above": "30000.00", "source": _SOURCE},
        ],
        "levies": [
            {
                "code": "purchase",
                "name": "Purchase tax",
                "kind": "tax",
                "of": "net",
                "percent": "10",
                "until": "2026-06-30",
                "relief": {"name": "Exempt", "percent": "100", "cap": "3000.00"},
                "source": _SOURCE,
            },
            {
                "code": "purchase",
                "name": "Purchase tax",
                "kind": "tax",
                "of": "net",
                "percent": "10",
                "from": "2026-07-01",
                "relief": {"name": "Half", "percent": "50", "cap": "1500.00"},
                "source": _SOURCE,
            },
            {"code": "weight", "name": "Weight tax", "kind": "tax", "of": "quantity", "quantity": "mass_kg", "above": "500",
             "amount": "12.59", "round_to": "1.00", "source": _SOURCE},
            {"code": "swap", "name": "Trade-in", "kind": "subsidy", "of": "gross", "percent": "12", "cap": "2000.00",
             "needs": ["old_car"], "source": _SOURCE},
            {"code": "small", "name": "Small cars", "kind": "subsidy", "of": "one", "amount": "750.00", "unless": ["firm"],
             "within": {"of": "base_net", "most": "47000.00"}, "source": _SOURCE},
            {"code": "plate", "name": "Registration", "kind": "registration", "of": "one", "amount": "30.60",
             "regions": {"south": "44.10"}, "source": _SOURCE},
        ],
        "circumstances": {"old_car": "An old car is given away", "firm": "A firm buys"},
        "regions": {"north": "North", "south": "South"},
    }  # fmt: skip
    return said | changed


def told(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode()


def purchase(
    on: str = "2026-03-01",
    registered: str | None = None,
    region: str = "north",
    circumstances: tuple[str, ...] = (),
    codes: tuple[str, ...] = (),
    mass_kg: str = "2317.5",
) -> Purchase:
    first = date.fromisoformat(on)
    return Purchase(
        on=first,
        registered=date.fromisoformat(registered) if registered else first,
        region=region,
        circumstances=frozenset(circumstances),
        codes=frozenset(codes),
        quantities={"mass_kg": Fraction(mass_kg)},
    )
