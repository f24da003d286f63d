"""Requests as a person types them."""

import json
from urllib.parse import urlencode

from router.operations import Audience, Operation
from router.reference.examples import Example

BASE = "$DUKANI"
"""What the samples call the router's address."""


def target(operation: Operation, example: Example) -> str:
    """Path and query of the example."""
    path = operation.path
    for name, value in example.path.items():
        path = path.replace(f"<{name}>", value)
    return f"{path}?{urlencode(example.query)}" if example.query else path


def curl(operation: Operation, example: Example) -> str:
    """The request as a command line. `$DUKANI` is the router's address, `$DUKANI_API_KEY` a key."""
    method = [] if operation.method == "GET" else [f"-X {operation.method}"]
    lines = [" ".join(["curl -sS", *method, f'"{BASE}{target(operation, example)}"'])]
    if operation.tag == "development":
        lines.append("-H 'x-internal-key: dev-internal-secret'")
        if operation.of_shop and example.body is not None:
            lines.append(f"-H 'x-vendor-id: {example.body['vendor_id']}'")
    elif Audience.ANYONE not in operation.callers:
        lines.append('-H "Authorization: Bearer $DUKANI_API_KEY"')
    if operation.is_command:
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if example.body is not None:
        lines += ["-H 'Content-Type: application/json'", f"--data '{_quoted(example)}'"]
    return " \\\n  ".join(lines)


def _quoted(example: Example) -> str:
    return json.dumps(example.body, ensure_ascii=False).replace("'", "'\\''")
