"""English: only what the page says otherwise than the code does, which speaks of settings by their names."""

from collections.abc import Mapping

ENGLISH: Mapping[str, str] = {
    "{name} is missing: fill it in": "missing: fill it in",
    "{name} is not a short code: fill it in": "this is no short code: enter its digits alone",
    "transaction_type is neither paybill nor till: fill it in": "choose paybill or till",
    "CustomerPayBillOnline": "Paybill (CustomerPayBillOnline)",
    "CustomerBuyGoodsOnline": "Till, Buy Goods (CustomerBuyGoodsOnline)",
    "sandbox": "Sandbox: for trying, no real money",
    "production": "Production: real money",
}
