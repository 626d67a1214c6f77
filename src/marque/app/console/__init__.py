"""The console: what people of the partners see and do, as pages that need no script (a passkey alone needs one).

/console                                             what waits, and every agreement
/console/agreements/OWNER/ID                         the matrix on a day (?on=), the time line, programmes
/console/agreements/OWNER/ID/propose                 the next revision, as a form
/console/agreements/OWNER/ID/revisions/N             a text: what it changes, who signs it
/console/programmes/OWNER/ID                         who decides, sees, signs, sells; requirements and decisions of each process
/console/requirements/ID, /console/decisions/ID      both sides; the answers
/console/product                                     model lines; which revision of which part is in force, what waits for whom
/console/product/programmes/OWNER/ID                 the parts of a programme's line on a day (?on=); propose a revision of one
/console/product/revisions/ID                        a revision: its text, what it changes, the answers to it
/console/product/lines/LINE                          features, rules, what-if, a car and its quote, model years, parts, software
/console/product/supply                              modules: one's catalogue, and which programme has which of them by which mode
/console/release                                     releases: what waits for whom; a programme's releases, repository, roll-outs, cars
/console/release/releases/ID                         a release: its way, images, evidence, signatures, filings, withdrawal
/console/release/changes/ID                          what is put up for signatures, who signed, who is waited for
/console/release/rollouts/ID                         a roll-out while it runs: groups, refusals by attack, pause, halt
/console/release/programmes/OWNER/ID/cars/CAR        what runs in a car, what it reported and refused
/console/organisations                               who one knows, and whose brands they are
/console/history                                     the public record: who decided what on a day (?on=, ?programme=)
/console/people, /console/me                         an administrator's list; one's own keys and passkeys
/console/tokens                                      an administrator's tokens for programs
/console/audit                                       the log, and everything of it that is one's own, to take away

Each page is one transaction of the visitor; each form ends on the page that shows what it did, or on its own with what was typed and why
that was not taken.
"""

from fastapi import APIRouter

from marque.app.console import (
    agreement_pages,
    audit_pages,
    car_pages,
    ceremony_pages,
    configurator_pages,
    device_pages,
    difference_pages,
    history_pages,
    home,
    joint_pages,
    line_pages,
    organisation_pages,
    parts_pages,
    people_pages,
    product_pages,
    programme_pages,
    proposal_pages,
    release_pages,
    revision_pages,
    rollout_pages,
    supply_pages,
    token_pages,
)

routes = APIRouter(include_in_schema=False)
for pages in (
    home, agreement_pages, proposal_pages, programme_pages, joint_pages, organisation_pages, history_pages, people_pages, token_pages,
    audit_pages, product_pages, line_pages, configurator_pages, car_pages, difference_pages,
    parts_pages, revision_pages, supply_pages, release_pages, ceremony_pages, rollout_pages, device_pages,
):  # fmt: skip
    routes.include_router(pages.routes)

__all__ = ["routes"]
