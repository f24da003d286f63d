"""Shops that can be paid, without a payment adapter that says so."""

from collections.abc import Iterable

from sqlalchemy import insert

from contracts.states import RAIL_CAPABILITY, Rail
from kit.db import Database, Tx
from router.vendors.models import vendor_rails

RAIL_OF = {capability.value: rail for rail, capability in RAIL_CAPABILITY.items()}


def plant_rails(tx: Tx, vendor_id: str, rails: Iterable[Rail]) -> None:
    """As if the adapter had told that the settings for these are complete. `tx` is of the platform database."""
    for rail in rails:
        tx.execute(insert(vendor_rails).values(vendor_id=vendor_id, rail=rail))


def plant_rails_of(tx: Tx, vendor_id: str, capabilities: Iterable[str]) -> None:
    """Likewise, for those of these capabilities that are a rail's."""
    plant_rails(tx, vendor_id, [RAIL_OF[name] for name in capabilities if name in RAIL_OF])


def make_payable(platform: Database, vendor_id: str, *rails: Rail) -> None:
    """`plant_rails` in a transaction of its own; M-Pesa's where none is named."""
    with platform.write() as tx:
        plant_rails(tx, vendor_id, rails or (Rail.MPESA_STK,))
