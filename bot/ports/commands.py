"""Performs what a step asks for, wherever that is done."""

from bot.conversation.model import Command, Result, StartCharge
from bot.ports.payment_adapter import PaymentAdapter
from bot.ports.router import Router
from contracts.errors import ErrorCode
from contracts.router_api import CustomerRef
from kit.peers import Refusal, Unreachable

# Refusals that say nothing about the command: a twin of it is still running, or keys or clocks differ between our
# processes. Asking again later with the same key is right; telling the customer no would not be.
_NOT_AN_ANSWER = (ErrorCode.IDEMPOTENCY_IN_PROGRESS, ErrorCode.UNAUTHENTICATED, ErrorCode.UNAVAILABLE)


class Commands:
    def __init__(self, router: Router, adapter: PaymentAdapter) -> None:
        self._router = router
        self._adapter = adapter

    def perform(self, command: Command, customer: CustomerRef, key: str) -> Result:
        """The answer, or the refusal. Raises Unreachable: then it may have happened, and the same key is safe."""
        try:
            if isinstance(command, StartCharge):
                return self._adapter.start_charge(command.grant, command.intent_id)
            return self._router.perform(command, customer, key)
        except Refusal as refusal:
            if refusal.problem.code in _NOT_AN_ANSWER:
                raise Unreachable(f"refused for now: {refusal.problem.code}") from refusal
            return refusal.problem
