"""What goes wrong now: which faults are switched on, and how often they still happen. Each is off by default."""

import json
from collections.abc import Mapping

from simulators.fault_names import Fault, FaultKind
from simulators.fault_texts import FAULTS
from simulators.store import Transaction

FaultValue = bool | int


class BadFault(ValueError):
    """Nothing was changed. The text names the fault and says what would be accepted."""


def off(fault: Fault) -> FaultValue:
    return False if FAULTS[fault].kind is FaultKind.SWITCH else 0


def read_all(tx: Transaction) -> dict[str, FaultValue]:
    """Every fault by name, also those that are off."""
    put = {str(row["name"]): json.loads(row["value"]) for row in tx.rows("SELECT name, value FROM faults")}
    return {fault.value: put.get(fault.value, off(fault)) for fault in Fault}


def put(tx: Transaction, changes: Mapping[str, object]) -> None:
    """Switch the named faults and leave the others as they are. Raises BadFault before anything changes."""
    for fault, value in [(_fault(name), _checked(_fault(name), value)) for name, value in changes.items()]:
        _write(tx, fault, value)
    tx.next_seq()


def takes(tx: Transaction, fault: Fault) -> bool:
    """Does it happen now? Where only so many times are left, this was one of them."""
    value = _value(tx, fault)
    if value is True:
        return True
    if not value:
        return False
    left = int(value) - 1
    _write(tx, fault, left or off(fault))
    tx.next_seq()
    return True


def is_on(tx: Transaction, fault: Fault) -> bool:
    """As `takes`, but uses nothing up."""
    return bool(_value(tx, fault))


def seconds(tx: Transaction, fault: Fault) -> int:
    return int(_value(tx, fault))


def _value(tx: Transaction, fault: Fault) -> FaultValue:
    row = tx.row("SELECT value FROM faults WHERE name = ?", fault.value)
    return json.loads(row["value"]) if row else off(fault)


def _write(tx: Transaction, fault: Fault, value: FaultValue) -> None:
    if not value:
        tx.run("DELETE FROM faults WHERE name = ?", fault.value)
        return
    tx.run(
        "INSERT INTO faults (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        fault.value,
        json.dumps(value),
    )


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        raise BadFault(f"there is no fault {name[:60]!r}; GET /sim/faults lists them") from None


def _checked(fault: Fault, value: object) -> FaultValue:
    info = FAULTS[fault]
    if info.kind is FaultKind.SECONDS:
        if type(value) is int and 0 <= value <= info.most:
            return value
        raise BadFault(f"{fault.value}: expected whole seconds from 0 to {info.most}")
    if isinstance(value, bool):
        return value
    if type(value) is int and 0 <= value <= info.most:
        return value
    raise BadFault(f"{fault.value}: expected true, false, or how many times (0 to {info.most})")
