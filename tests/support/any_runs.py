"""Runs of a state machine over a till: whatever happens, in whatever order."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.support.till import Till


def run_on(till: Till, machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """`machine` finds the till as its class's `till`. No deadline: a loaded machine is slow, not wrong."""
    run_state_machine_as_test(
        type(f"{machine.__name__}OnThisTill", (machine,), {"till": till}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
