"""That what is to be driven is what the policy asks for: its suites to the byte, and its hidden ones by what they were committed to."""

from __future__ import annotations

from collections.abc import Sequence

from marque.common import InputError
from marque.proof.campaign import Plan, seeds_digest
from marque.proof.evidence import Input, Policy
from marque.proof.evidence.policy import opens
from marque.proof.gate.rules import GateRules
from marque.proof.suites import Suite


def bound(policy: Policy, suites: Sequence[Suite], salts: Sequence[str] = ()) -> None:
    """Raises InputError unless the policy names the first suite, to the byte, and the others open its commitments with their salts."""
    suite, hidden = suites[0], suites[1:]
    if policy.suites.get(suite.name) != suite.digest:
        known = ", ".join(f"{name} {digest[:12]}…" for name, digest in policy.suites.items())
        why = f'"{suite.name}" {suite.digest[:12]}… is not a suite of the policy'
        raise InputError(suite.name, "", why, f"It names {known or 'none that is not hidden'}.")
    for one, salt in zip(hidden, salts, strict=True):
        if one.name not in policy.hidden or not opens(policy.hidden[one.name], one.digest, salt):
            why = f"suite and salt are not those that the policy committed to as {', '.join(policy.hidden) or 'nothing'}"
            raise InputError(one.name, "", why, "Ask whoever hid the suite for both, as they were when the policy was written.")
    driven = {one.name for one in suites}
    if missing := sorted({*policy.suites, *policy.hidden} - driven):
        why = f"the policy asks for {', '.join(missing)}, too"
        raise InputError(missing[0], "", why, "Name a hidden suite with --hidden, and its salt with --salt-file.")


def seeded(rules: GateRules, seeds: Input | None, source: str) -> None:
    """seeds: what a campaign's chance depends on, as its provenance has it. Raises InputError unless both sides agreed on it beforehand."""
    if seeds is None or seeds.digest != seeds_digest(rules.seed, rules.perception == "perfect"):
        why = f"the policy has it driven with seed {rules.seed} and {rules.perception} perception, and this is of another"
        raise InputError(source, "seeds", why, "Drive it as agreed; who may choose the seed afterwards finds one that passes.")


def provenance_inputs(plan: Plan, salts: Sequence[str]) -> tuple[Input, ...]:
    """As the provenance statement names them; salts: of the plan's hidden suites, in their order. Raises InputError for odd names."""
    opened = dict(zip((f"suite/{name}" for name in plan.hidden), salts, strict=True))
    found = {**plan.inputs, "policy": plan.policy}
    try:
        return tuple(Input(name, digest, opened.get(name, "")) for name, digest in sorted(found.items()))
    except ValueError as fault:
        raise InputError(plan.suite, "name", str(fault), "Name suites in letters, digits, dots and hyphens.") from fault
