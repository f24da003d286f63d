"""Every error code of the API: what happened, and what whoever asked can do about it."""

from dataclasses import dataclass

from contracts.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class Advice:
    meaning: str
    what_to_do: str


_ASK_AGAIN = "Ask again after Retry-After, with the same Idempotency-Key."
_LOOK = "Look it up in its list; it may be another shop's, or gone."

ADVICE: dict[ErrorCode, Advice] = {
    ErrorCode.INVALID_REQUEST: Advice(
        "The request can't be understood, or a value can't be used.", "Mend what `errors` names, field by field."
    ),
    ErrorCode.BODY_TOO_LARGE: Advice("The body is larger than 64 kB.", "Send less at a time."),
    ErrorCode.NOT_FOUND: Advice("There is nothing at this path.", "Compare the path with this reference."),
    ErrorCode.METHOD_NOT_ALLOWED: Advice("The path exists, the method does not.", "Use a method that Allow names."),
    ErrorCode.UNAUTHENTICATED: Advice(
        "Nobody is known to be asking: no key, or one that is unknown, revoked or expired.",
        "Send Authorization: Bearer with an API key of the shop.",
    ),
    ErrorCode.FORBIDDEN: Advice(
        "Whoever asks may not do this, or the shop is suspended.", "`detail` says who may, or who to talk to."
    ),
    ErrorCode.CAPABILITY_MISSING: Advice(
        "The shop has not switched on what this needs.", "Switch on the capability that is named, or ask who may."
    ),
    ErrorCode.SCOPE_MISSING: Advice(
        "The API key is not good for this.", "Use a key with the scope that `detail` names, or make one."
    ),
    ErrorCode.VENDOR_MISMATCH: Advice(
        "The key belongs to another shop than x-vendor-id or the path says.",
        "Leave x-vendor-id out: a shop's key says which shop it is.",
    ),
    ErrorCode.IDEMPOTENCY_KEY_MISSING: Advice(
        "The Idempotency-Key is missing or can't be used.", "Send 1 to 200 printable characters."
    ),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: Advice(
        "This Idempotency-Key was used for another request.", "Use a new key for a new request."
    ),
    ErrorCode.IDEMPOTENCY_IN_PROGRESS: Advice(
        "The first request with this Idempotency-Key is still running.", _ASK_AGAIN
    ),
    ErrorCode.TOO_MANY_REQUESTS: Advice(
        "A limit of requests a minute was reached; `limit` says which.", "Wait for Retry-After seconds, then go on."
    ),
    ErrorCode.UNAVAILABLE: Advice("Something that is needed can't be used now; nothing was changed.", _ASK_AGAIN),
    ErrorCode.INTERNAL: Advice("A mistake of ours; it has been recorded.", _ASK_AGAIN),
    ErrorCode.SHOP_UNKNOWN: Advice("There is no such shop.", "Check its id or word."),
    ErrorCode.SHOP_EXISTS: Advice("Another shop has this id or word; `taken` says which.", "Choose another."),
    ErrorCode.CAPABILITY_UNKNOWN: Advice("There is no such capability.", "Take one of `capabilities`."),
    ErrorCode.KEY_UNKNOWN: Advice("The owner has no API key with this id.", _LOOK),
    ErrorCode.TOO_MANY_KEYS: Advice("The owner has as many keys as there may be.", "Revoke those that nobody uses."),
    ErrorCode.ITEM_UNKNOWN: Advice("The shop does not sell this (any more).", _LOOK),
    ErrorCode.ITEM_SOLD_OUT: Advice("Not enough is left; `item` and `available` say of what.", "Take fewer, or none."),
    ErrorCode.CATEGORY_UNKNOWN: Advice("The shop has no such category.", _LOOK),
    ErrorCode.PICTURE_INVALID: Advice(
        "Not a PNG or JPEG, or too large.", "Send at most 8 MB, at most 25 megapixels; `detail` says more."
    ),
    ErrorCode.QUANTITY_INVALID: Advice("From 1 to 999 of one item can be in an order.", "Change the quantity."),
    ErrorCode.NOT_IN_CART: Advice("The cart has no such line.", "Read the cart again."),
    ErrorCode.CART_EMPTY: Advice("There is nothing to confirm.", "Add something first."),
    ErrorCode.ZONE_UNKNOWN: Advice("The shop has no such zone.", "Take one of `zones`."),
    ErrorCode.ZONE_MISSING: Advice("It is not said where to deliver.", "Name one of `zones`, or send a pin."),
    ErrorCode.OUTSIDE_ZONES: Advice("The shop does not deliver to this place.", "Choose of `zones`, or pick up."),
    ErrorCode.DELIVERY_UNAVAILABLE: Advice("The shop delivers nowhere.", "The customer picks up."),
    ErrorCode.VOUCHER_UNKNOWN: Advice("The shop has no such voucher.", "Compare it letter by letter."),
    ErrorCode.VOUCHER_EXPIRED: Advice("The voucher does not count now.", "Take it out; see `starts_at`."),
    ErrorCode.VOUCHER_USED_UP: Advice(
        "The voucher was used as often as it may be; `by_customer` says by whom.", "Take it out, or use another."
    ),
    ErrorCode.VOUCHER_MINIMUM: Advice("The goods cost less than `minimum_minor`.", "Add something, or do without."),
    ErrorCode.VOUCHER_EXISTS: Advice("The shop has a voucher with this code.", "Choose another code."),
    ErrorCode.SHOP_CLOSED: Advice("The shop does not open then.", "Choose another day: see `opening`."),
    ErrorCode.DAY_INVALID: Advice("An order can't be for this day.", "Choose from today to 14 days ahead."),
    ErrorCode.NOTHING_TO_REORDER: Advice("Nothing can be ordered again.", "See `left_out`, if there is any."),
    ErrorCode.STOCK_HELD: Advice(
        "Confirmed orders hold more of it than would be on the shelf.", "Count again, or cancel what `reserved` counts."
    ),
    ErrorCode.ORDER_UNKNOWN: Advice("There is no such order.", _LOOK),
    ErrorCode.ORDER_TRANSITION_REFUSED: Advice("The order does not take this as it stands.", "`order` shows it."),
    ErrorCode.NOTHING_TO_PAY: Advice("No order waits for money.", "Confirm an order first."),
    ErrorCode.NOT_CONFIRMED: Advice("The order is not confirmed yet; `order` shows it.", "Confirm it first."),
    ErrorCode.NOTHING_TO_CANCEL: Advice("No order is open.", "There is nothing left to do."),
    ErrorCode.WHICH_ORDER: Advice("Several orders fit; `orders` shows them.", "Name one by its code."),
    ErrorCode.PAYMENT_IN_PROGRESS: Advice(
        "A prompt is on the payer's phone, or its outcome is not known yet.", "Wait for its outcome."
    ),
    ErrorCode.ATTEMPTS_EXHAUSTED: Advice("Three tries a day are used up.", "Try again tomorrow: see Retry-After."),
    ErrorCode.PAYER_BUSY: Advice("This number has a live prompt, or had too many today.", "Try again later."),
    ErrorCode.PAYER_MISSING: Advice("No number to charge is known.", "Send payer_msisdn."),
    ErrorCode.PAYER_INVALID: Advice("This is not a number that can be charged.", "Write it as 254708374149."),
    ErrorCode.PAYER_NOT_AGREED: Advice(
        "The number is not this customer's own.", "Let its owner write PAY and the order's code from their own chat."
    ),
    ErrorCode.TOO_MANY_PAYERS: Advice(
        "The customer named as many different numbers today as they may.", "Take one of those, or try again tomorrow."
    ),
    ErrorCode.RAIL_UNAVAILABLE: Advice("The shop does not offer this way to pay.", "Take one of `rails`."),
    ErrorCode.WHICH_RAIL: Advice("The shop offers several ways to pay.", "Name one of `rails` as `rail`."),
    ErrorCode.AMOUNT_INVALID: Advice(
        "This amount can't be collected: M-Pesa takes whole shillings.", "Send a whole amount: 3000 is KES 30."
    ),
    ErrorCode.PAYMENT_UNKNOWN: Advice("The shop has no such payment.", _LOOK),
    ErrorCode.EXCEPTION_UNKNOWN: Advice("The shop has no such exception.", _LOOK),
    ErrorCode.EXCEPTION_CLOSED: Advice("It was decided what becomes of this money.", "Read the exception again."),
    ErrorCode.AMOUNT_DIFFERS: Advice(
        "The money is `amount_minor`, the order asks for `asked_minor`: nobody nets the two.",
        "Give it back, and let the customer pay the exact amount.",
    ),
    ErrorCode.TRANSACTION_UNKNOWN: Advice("The shop has no such money.", _LOOK),
    ErrorCode.REFUND_UNKNOWN: Advice("The shop has no such refund.", _LOOK),
    ErrorCode.REFUND_SETTLED: Advice("Only a refund that is `unknown` waits for somebody's word.", "Read it again."),
    ErrorCode.WEBHOOK_UNKNOWN: Advice("The shop has no such endpoint.", _LOOK),
    ErrorCode.WEBHOOK_DISABLED: Advice("The endpoint is disabled.", "Enable it first."),
    ErrorCode.WEBHOOK_LIMIT_REACHED: Advice("The shop has as many endpoints as there may be.", "Delete one first."),
    ErrorCode.WEBHOOK_ADDRESS_REFUSED: Advice(
        "This address may not be called.", "Give an https address on the public internet; `detail` says what is wrong."
    ),
    ErrorCode.DELIVERY_UNKNOWN: Advice("The shop has no such delivery.", _LOOK),
    ErrorCode.DELIVERY_FINISHED: Advice("The delivery has ended already.", "Replay its event instead."),
    ErrorCode.EVENT_UNKNOWN: Advice("The shop has no such event.", _LOOK),
    ErrorCode.CONVERSATION_UNKNOWN: Advice("The shop has no such conversation.", _LOOK),
    ErrorCode.CHAT_WINDOW_CLOSED: Advice(
        "The customer has not written for 24 hours, and WhatsApp takes no free text then.",
        "Wait until they write again; `may_write` of the conversation says when.",
    ),
    ErrorCode.INVITATION_UNKNOWN: Advice("This word was used, is too old, or never was one.", "Make a new invitation."),
    ErrorCode.RECIPIENT_UNKNOWN: Advice("Nobody with this id is told of the shop's alerts.", _LOOK),
    ErrorCode.TOO_MANY_ALERTS: Advice("As many are told, or invited, as may be.", "Remove one first."),
    ErrorCode.GRANT_INVALID: Advice("The charge grant is damaged or not the router's.", "Ask for a new one."),
    ErrorCode.GRANT_CONFLICT: Advice("This payment is known with another content.", "Start a new payment."),
    ErrorCode.REFUND_UNAVAILABLE: Advice(
        "The provider can't give this money back, or not so much of it.", "`detail` says why; pay it back another way."
    ),
}


def advice_on(code: ErrorCode) -> Advice:
    return ADVICE.get(code, Advice("", "`detail` says more."))
