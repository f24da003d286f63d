"""Settings are tried at the provider with a live token, whether they are stored or not."""

import secrets
from collections.abc import Mapping, Sequence

import structlog

from payment_adapter.providers.base import Finding
from payment_adapter.settings_page.book import Holder
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Origin

_log = structlog.get_logger()


def try_out(holder: Holder, vendor_id: str, fields: Mapping[str, Secret]) -> Sequence[Finding]:
    """What the provider makes of these settings. Blocks for its timeouts; call it with no transaction open.

    Under a version that no set has, so that what is remembered of the stored ones proves nothing here."""
    version = -1 - secrets.randbelow(2**31)
    try:
        found = holder.try_out(Credentials(vendor_id, holder.name, version, Origin.VENDOR, fields))
    except Exception as error:
        # A mistake of ours; its text might hold what was tried.
        _log.error("trying settings broke off", provider=holder.name, error=type(error).__name__)
        return [Finding("", is_good=False, says="the test broke off, which is our mistake: try again later")]
    return found or [Finding("", is_good=False, says="there is nothing that can be tested")]
