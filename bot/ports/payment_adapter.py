"""The payment adapter as the bot knows it: it takes a charge grant, which the bot hands on unread."""

from contracts.payment_api import ChargeView, NewCharge
from kit.peers import Peer


class PaymentAdapter:
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def start_charge(self, grant: str, intent_id: str) -> ChargeView:
        """Raises Refusal or Unreachable. The same grant again is the same charge, even after it expired."""
        return self._peer.post(ChargeView, "/v1/charges", NewCharge(grant=grant), idempotency_key=intent_id)
