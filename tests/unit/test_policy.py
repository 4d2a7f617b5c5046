"""The policy: what its rules ask for, and what protection, limits and mode leave of it, with every reason."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from responder.confirmation.evidence import Confirmation, confirm
from responder.decisions.decision import Decision, Kind
from responder.decisions.policy import Policy, load_policy
from responder.detections.detection import Family, Severity
from responder.detections.hit import Hit
from responder.errors import BadInputs
from responder.site.shipped import shipped

TEXT = """\
policy: test
mode: act
rules:
  - {decision: contain, families: 3}
  - {decision: contain, families: 2, including: [external]}
  - {decision: hold, families: 2}
  - {decision: queue, families: 1, severity: high}
protected:
  accounts: [root, "svc-*", "Dean?"]
limits:
  containments_an_hour: 2
playbooks:
  contain: contain-it
  hold: hold-it
"""
FAMILIES = (Family.VOLUME, Family.SPREAD, Family.QUALITY, Family.ORIGIN)


@pytest.fixture
def policy(tmp_path: Path):
    """Loads a policy, the usual one with words replaced."""

    def load(*changes: tuple[str, str]) -> Policy:
        text = TEXT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "policy.yaml"
        file.write_text(text, encoding="utf-8")
        return load_policy(file)

    return load


def evidence(*families: Family, severity: Severity = Severity.HIGH) -> Confirmation:
    at = datetime(2025, 11, 24, 8, tzinfo=UTC)
    return confirm(
        [Hit("alice", f"a-{family}", family, severity, at, 600, {"recipients": 99.0}) for family in families]
    )


def decided(policy: Policy, confirmation: Confirmation, account: str = "alice", before: int = 0) -> Decision:
    return policy.decide(account, confirmation, before)


@pytest.mark.parametrize(
    ("families", "kind", "line"),
    [
        (FAMILIES[:4], Kind.CONTAIN, 4),
        (FAMILIES[:3], Kind.CONTAIN, 4),
        ((Family.EXTERNAL, Family.VOLUME), Kind.CONTAIN, 5),
        (FAMILIES[:2], Kind.HOLD, 6),
        (FAMILIES[:1], Kind.QUEUE, 7),
    ],
)
def test_the_first_rule_that_holds_decides(policy, families, kind, line):
    """And is named, with the evidence, by file and line."""
    named = ", ".join(sorted(families))
    assert decided(policy(), evidence(*families)) == Decision(
        kind, kind, (f"policy.yaml:{line}: evidence of {named}",)
    )


def test_without_a_rule_a_case_is_observed(policy):
    """One weak sign alone."""
    assert decided(policy(), evidence(Family.VOLUME, severity=Severity.MEDIUM)) == Decision(
        Kind.OBSERVE, Kind.OBSERVE, ("policy.yaml:3: no rule for evidence of volume",)
    )
    assert decided(policy(), evidence()).reasons == ("policy.yaml:3: no rule for evidence of none",)


@pytest.mark.parametrize(
    ("account", "pattern"), [("root", "root"), ("svc-backup", "svc-*"), ("dean1", "Dean?")]
)
@pytest.mark.parametrize("families", [1, 2, 3])
def test_a_protected_account_is_a_person_s_decision(policy, account, pattern, families):
    """Whatever the evidence; what the rules wanted is kept beside it."""
    found = decided(policy(), evidence(*FAMILIES[:families]), account)
    assert found.kind is Kind.QUEUE
    assert found.proposed is [Kind.QUEUE, Kind.HOLD, Kind.CONTAIN][families - 1]
    assert found.reasons[1:] == (f"policy.yaml:8: {account} is protected ({pattern}), a person decides",)


@pytest.mark.parametrize("account", ["roots", "svc", "dean", "dean12", "xroot"])
def test_an_account_that_only_looks_like_a_protected_one_is_not(policy, account):
    """A pattern is matched as a whole."""
    assert decided(policy(), evidence(*FAMILIES[:3]), account).kind is Kind.CONTAIN


def test_a_protected_account_is_still_only_observed_without_a_rule(policy):
    """Protection makes nothing of nothing."""
    assert decided(policy(), evidence(), "root").kind is Kind.OBSERVE


def test_in_mode_ask_a_person_decides(policy):
    """On everything that would be carried out."""
    asking = policy(("mode: act", "mode: ask"))
    for families, proposed in ((3, Kind.CONTAIN), (2, Kind.HOLD)):
        found = decided(asking, evidence(*FAMILIES[:families]))
        assert (found.kind, found.proposed) == (Kind.QUEUE, proposed)
        assert found.reasons[-1] == "policy.yaml:2: mode is ask, a person decides"
    assert len(decided(asking, evidence(Family.VOLUME)).reasons) == 1


def test_in_mode_watch_everything_is_only_recorded(policy):
    """The queue stays empty too."""
    watching = policy(("mode: act", "mode: watch"))
    for families, proposed in ((3, Kind.CONTAIN), (2, Kind.HOLD), (1, Kind.QUEUE)):
        found = decided(watching, evidence(*FAMILIES[:families]))
        assert (found.kind, found.proposed) == (Kind.OBSERVE, proposed)
        assert found.reasons[-1] == "policy.yaml:2: mode is watch, nothing is carried out"


def test_without_a_mode_a_person_is_asked(policy):
    """Nothing runs by itself before somebody wrote that it may."""
    found = decided(policy(("mode: act\n", "")), evidence(*FAMILIES[:3]))
    assert found.kind is Kind.QUEUE


@pytest.mark.parametrize(
    ("before", "kind"), [(0, Kind.CONTAIN), (1, Kind.CONTAIN), (2, Kind.QUEUE), (50, Kind.QUEUE)]
)
def test_past_the_limit_a_person_decides(policy, before, kind):
    """A fault of ours, or a flood, never shuts a whole site."""
    found = decided(policy(), evidence(*FAMILIES[:3]), before=before)
    assert found.kind is kind
    if kind is Kind.QUEUE:
        assert (
            found.reasons[-1] == f"policy.yaml:11: {before} in the last hour, no more than 2 without a person"
        )


def test_a_hold_without_a_playbook_goes_to_the_queue(policy):
    """What nobody wrote down how to do is not done."""
    found = decided(policy(("  hold: hold-it\n", "")), evidence(*FAMILIES[:2]))
    assert (found.kind, found.proposed) == (Kind.QUEUE, Kind.HOLD)
    assert found.reasons[-1] == "policy.yaml:12: no playbook for hold, a person decides"


def test_the_playbook_of_each_decision(policy):
    """Observing and asking have none."""
    assert [policy().playbook(kind) for kind in Kind] == [None, None, "hold-it", "contain-it"]


def test_decisions_are_ranked_from_the_least_to_the_most():
    """So that a case is decided anew only for more."""
    assert [kind.rank for kind in (Kind.OBSERVE, Kind.QUEUE, Kind.HOLD, Kind.CONTAIN)] == [0, 1, 2, 3]


def test_the_hash_is_that_of_the_text(policy):
    """A decision names the policy that it was made by, comments included."""
    assert policy().hash == hashlib.sha256(TEXT.encode()).hexdigest()
    assert policy(("policy: test", "policy: test # changed")).hash != policy().hash


def test_a_case_is_quiet_after_a_day_or_as_written(policy):
    """How long after its last new evidence."""
    assert policy().quiet == timedelta(hours=24)
    assert policy(("policy: test", "policy: test\nquiet_hours_to_close: 3")).quiet == timedelta(hours=3)


def test_the_shipped_policy_disables_nobody_on_one_kind_of_evidence():
    """Base rates: a signal alone is wrong far more often than right."""
    found = load_policy(shipped("policy.yaml"))
    for family in Family:
        assert decided(found, evidence(family)).kind is Kind.QUEUE
        assert decided(found, evidence(family, severity=Severity.MEDIUM)).kind is Kind.OBSERVE
    assert decided(found, evidence(*FAMILIES[:3])).kind is Kind.CONTAIN
    assert decided(found, evidence(*FAMILIES[:3]), "postmaster").kind is Kind.QUEUE


def test_every_mistake_is_told_at_once_with_its_place(policy):
    """And with what would be right."""
    with pytest.raises(BadInputs) as caught:
        policy(
            ("mode: act", "mode: acts"),
            ("families: 3", "families: 9"),
            ("including: [external]", "including: [outside]"),
            ("{decision: hold,", "{decision: stop,"),
            ("containments_an_hour: 2", "containments_an_hour: -1"),
            ("  contain: contain-it", "  contains: contain-it"),
        )
    assert [str(problem).partition("policy.yaml:")[2] for problem in caught.value.problems] == [
        "2:1: mode: input should be 'act', 'ask' or 'watch', not 'acts'",
        "4:25: rules.0.families: input should be less than or equal to 6, not 9",
        "5:50: rules.1.including.0: input should be 'volume', 'spread', 'quality', 'origin', 'content' or 'external', "
        "not 'outside'",
        "6:6: rules.2.decision: input should be 'observe', 'queue', 'hold' or 'contain', not 'stop'",
        "11:3: limits.containments_an_hour: input should be greater than or equal to 0, not -1",
        "12:1: playbooks.contain: is missing",
        "13:3: playbooks.contains: unknown key; did you mean 'contain'?",
    ]
