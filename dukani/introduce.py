"""What the owner of a demo shop would tell the providers, told to the simulators that stand for them: at e-Kwanza's
portal which address hears of payments, at Daraja where to report money that is paid by hand."""

from collections.abc import Callable

import urllib3

from contracts.ids import VendorId, derived_id
from dukani.processes import Process, place
from dukani.seed import SHOPS
from kit.settings import Settings

_TIMEOUT_S = 5.0


def introduce(settings: Settings, say: Callable[[str], None]) -> None:
    """Once the simulators answer. Telling it again changes nothing; what went wrong is said and stops nothing."""
    if not settings.simulators_on:
        return
    from payment_adapter.planting import ekwanza_accounts, register_tills

    clock, simulators = settings.clock(), place(Process.SIMULATORS, settings).url
    names = {VendorId(derived_id("vendor", shop.word)): shop for shop in SHOPS}
    accounts = ekwanza_accounts(settings, clock, [vendor for vendor, shop in names.items() if not shop.has_till])
    for vendor_id, account in accounts.items():
        merchant = {
            "merchant": account.fields["merchant_account"].reveal(),
            "name": names[VendorId(vendor_id)].name,
            "webhook_url": account.webhook_url.reveal(),
            "api_key": account.fields["api_key"].reveal(),
            "notification_token": account.fields["notification_token"].reveal(),
            "registration_number": account.fields["company_registration"].reveal(),
            "client_id": account.fields["client_id"].reveal(),
            "client_secret": account.fields["client_secret"].reveal(),
            "gpo_payment_method": f"GPO_{account.fields['payment_method_gpo'].reveal()}",
            "ref_payment_method": f"REF_{account.fields['payment_method_ref'].reveal()}",
        }
        answer = urllib3.request("POST", f"{simulators}/sim/ekwanza/merchants", json=merchant, timeout=_TIMEOUT_S)
        if answer.status != 200:
            say(f"e-Kwanza's simulator did not take {names[VendorId(vendor_id)].name}: {answer.status}")
    if settings.daraja_base_url.startswith(simulators):
        tills = [vendor for vendor, shop in names.items() if shop.has_till]
        for trouble in register_tills(settings, clock, tills):
            say(f"M-Pesa's simulator won't report money that is paid by hand: {trouble}")
