"""Who was only offered an agreement, or has left it: what was theirs stays, and nothing that came after is theirs to see or to do."""

from __future__ import annotations

from datetime import date

import pytest
from signatories import a_draft, companies

from marque.alliance import agreements, people
from marque.common import Denied, Missing

JULY = date(2021, 7, 1)


@pytest.fixture
def there(database, owner_dsn):
    return companies(database, owner_dsn)


@pytest.fixture
def offered(there):
    """GAC offered it to SERES, and then agreed with Huawei instead; SERES has signed nothing."""
    agreement = there.draft()
    there.propose(agreement, a_draft(agreement, JULY, partner="seres"))
    there.agreed(agreement, a_draft(agreement, JULY))
    return agreement


@pytest.fixture
def left(there):
    """GAC and SERES agreed; SERES signed its leave; GAC and Huawei go on."""
    agreement = there.draft()
    there.agreed(agreement, a_draft(agreement, JULY, partner="seres"))
    there.at(2021, 8, 1)
    there.agreed(agreement, a_draft(agreement, date(2021, 8, 1)))
    there.at(2021, 9, 1)
    there.agreed(agreement, a_draft(agreement, date(2021, 9, 1), "inside"))
    return agreement


@pytest.fixture(params=["offered", "left"])
def former(request):
    return request.getfixturevalue(request.param)


def test_it_reads_the_texts_that_named_it_and_no_later_one(there, former):
    with there.acting("seres") as tx:
        state = agreements.agreement(tx, "gac", former)
    assert all("seres" in one.row.signatories for one in state.revisions)
    with there.acting("gac") as tx:
        assert agreements.agreement(tx, "gac", former).last.row.number > state.last.row.number


def test_it_proposes_nothing(there, former):
    with pytest.raises((Denied, Missing)), there.acting("seres") as tx:
        agreements.propose(tx, "gac", former, a_draft(former, date(2022, 1, 1), partner="seres"))


def test_it_founds_no_programme(there, former):
    with pytest.raises((Denied, Missing)), there.acting("seres") as tx:
        agreements.found_programme(tx, "gac", former, "AH9", "")


def test_it_sees_no_programme_that_was_founded_afterwards(there, former):
    with there.acting("huawei") as tx:
        agreements.found_programme(tx, "gac", former, "AH8", "Secret")
    with there.acting("seres") as tx:
        assert agreements.programmes(tx) == []


@pytest.mark.usefixtures("offered")
def test_an_offer_does_not_tell_who_took_it_in_the_end(there):
    with there.acting("seres") as tx:
        assert "huawei" not in [one.organisation for one in people.organisations(tx)]
    with there.acting("huawei") as tx:
        assert "seres" not in [one.organisation for one in people.organisations(tx)]
