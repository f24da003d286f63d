"""What the shop says, in English. Keys say what happened; words in capitals are what the customer can type.

`CANCEL` alone is never offered: phone companies take it for a stop word."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """A text that depends on its `count`, by the plural rule of its language."""

    one: str
    other: str


ENGLISH: dict[str, str | Counted] = {
    # --- choosing a shop ---------------------------------------------------------------------------------------------
    "welcome": "Karibu! 👋 You can order from these shops right here in the chat.\n\n{shops}\n\nReply a number "
    "to go in. HELP shows all you can do.",
    "choose_shop": "Which shop would you like?\n\n{shops}\n\nReply a number, or *SHOP* and its word.",
    "shops": "Our shops:\n\n{shops}\n\nReply a number to go in.",
    "shop_unknown": 'There is no shop called "{word}". These are open:\n\n{shops}\n\nReply a number to go in.',
    "shop_close": 'There is no shop called "{word}". Did you mean:\n\n{shops}\n\nReply a number to go in. '
    "*SHOP* shows all shops.",
    "shop_line": "{number}. {shop} ({word})",
    "no_shops": "Karibu! No shop is taking orders at the moment. Please try again later.",
    "shop_entered": "Welcome to *{shop}*! 🛒\n\n{items}\n{more}\n\nReply a number to add one, or e.g. *ADD "
    "{example} x 2*. *CART* shows what you have, *HELP* everything else.",
    "shop_entered_empty": "Welcome to *{shop}*! There is nothing on the shelves right now. Please look in "
    "again later, or reply *SHOP* for the other shops.",
    "greeting_in_shop": "Hello, and welcome back to *{shop}*! 👋\n*MENU* shows what we have, *CART* what you "
    "picked, *HELP* everything else. *SHOP* changes the shop.",
    # --- the catalogue -----------------------------------------------------------------------------------------------
    "menu": "*{shop}*\n\n{items}\n{more}\n\nReply a number to add one, or e.g. *ADD {example} x 2*.",
    "menu_again": "I no longer have that list, so here it is anew. *{shop}*:\n\n{items}\n{more}\n\nReply a "
    "number to add one.",
    "menu_empty": "There is nothing on the shelves of *{shop}* right now. Please look in again later, or reply "
    "*SHOP* for the other shops.",
    "more_items": "*MORE* shows the next ones.",
    "no_more_items": "That was all. *MENU* starts again from the top.",
    "item_line": "{number}. {item}: {price}",
    "item_line_few": "{number}. {item}: {price} (only {available} left)",
    "price": "{amount}",
    "price_per": "{amount} per {unit}",
    "item_line_sold_out": "{number}. {item}: sold out",
    "item_description": "{description}",
    "find_what": "What are you looking for? Reply e.g. *FIND milk*.",
    "found": 'For "{query}" we have:\n\n{items}\n{about}\n{more}\n\n{next}',
    "pick_several": Counted("Reply a number to add it.", "Reply a number to add {count}."),
    "pick_only": Counted("Reply *{number}* to add it.", "Reply *{number}* to add {count}."),
    "pick_later": "Please look in again later. *MENU* shows what else there is.",
    "which_item": 'Which "{query}" would you like?\n\n{items}\n\n{next}',
    "items_close": 'I found nothing called exactly "{query}". Did you mean:\n\n{items}\n{word}\n\n{next}',
    "nothing_found": '*{shop}* has nothing called "{query}". *MENU* shows what there is.',
    # --- the cart ----------------------------------------------------------------------------------------------------
    "add_what": "What shall I add? Reply e.g. *ADD milk*, or *ADD 2 x 3* for three of number 2. *MENU* shows "
    "the numbers.",
    "added": "Added {quantity} × {item}.\nCart total: *{total}* ({count}).\n\n{next}",
    "next_number": "Reply another number to add more, *CART* to check, or *CONFIRM* to order.",
    "next_name": "Add more with *ADD* and a name, *CART* to check, or *CONFIRM* to order.",
    "items_count": Counted("{count} item", "{count} items"),
    "quantity_too_small": "I can add 1 or more. Reply e.g. *ADD {what} x 2*. To take something out: *REMOVE* "
    "and its name.",
    "quantity_too_large": "That is more than I can add: the most of one item in an order is {most}. Reply e.g. "
    "*ADD {what} x 2*, or ask the shop about a bulk order.",
    "quantity_unclear": 'I can\'t read "{quantity}" as a number. Reply with a whole number, e.g. *ADD {what} x 2*.',
    "number_unknown": "There is no {number} in that list: it goes from {first} to {last}. *MENU* shows the "
    "shelves again.",
    "maybe_pin": "There is no such number in the list. ⚠️ If that was a PIN: never write it in a chat, only "
    "enter it in your wallet's own prompt.",
    "sold_out": "Sorry, {item} is sold out just now. *MENU* shows what else there is.",
    "only_left": "Sorry, only {available} × {item} can be had now. Your cart is as it was. Reply e.g. *ADD "
    "{item} x 1* for fewer.",
    "something_sold_out": "Sorry, there is not enough left of something in your order. *CART* shows it.",
    "item_gone": "Sorry, {item} is no longer sold here. *MENU* shows what there is.",
    "cart": "Your cart at *{shop}*:\n\n{lines}\n\n*Total: {total}*\n{unpaid}\n\n*CONFIRM* to order, *REMOVE "
    "{example}* takes out line {example}, *MENU* to add more.",
    "cart_empty": "Your cart at *{shop}* is empty. *MENU* shows what there is; reply a number to add it.",
    "cart_empty_unpaid": "Your cart at *{shop}* is empty.\n{unpaid}\n\n*MENU* shows what there is.",
    "unpaid_order": "Order {code} ({total}) waits for payment: reply *PAY {code}*.",
    "order_line": "{number}. {quantity} × {item}: {price}",
    "order_line_plain": "• {quantity} × {item}: {price}",
    "cart_line_chosen": "{number} is {quantity} × {item} in your cart. *REMOVE {number}* takes it out, *ADD "
    "{item}* adds one more. *MENU* shows the shelves.",
    "remove_which": "Which one shall I take out?\n\n{lines}\n\nReply its number.",
    "removed": "Taken out: {item}.\nCart total: *{total}* ({count}).\n\n*CART* to check, *CONFIRM* to order.",
    "removed_last": "Taken out: {item}. Your cart is empty now. *MENU* shows what there is.",
    "remove_whole_line": "*REMOVE* takes out the whole line ({quantity} × {item}). To have fewer, reply "
    "*REMOVE {number}* and then e.g. *ADD {item} x {fewer}*.",
    "not_in_cart": '"{what}" is not in your cart. *CART* shows what is.',
    "not_in_cart_list": '"{what}" is not in your cart. You have:\n\n{lines}\n\nReply a number to take that one out.',
    # --- confirming and paying ---------------------------------------------------------------------------------------
    "confirmed": "Order *{code}* at *{shop}* is confirmed.\n\n{lines}\n\n*Total: {total}*\n{hold}\n{payer}\n\n{how}",
    "pay_by": "Reply *PAY* to pay {way}.",
    "pay_choose": "Reply *PAY* and choose how to pay.",
    "pay_plain": "Reply *PAY* to pay.",
    "way_mpesa_stk": "with M-Pesa",
    "way_gpo": "with Multicaixa Express",
    "way_emis_ref": "with a reference at an ATM or in your bank's app",
    "way_ticket": "with e-Kwanza",
    "rail_mpesa_stk": "M-Pesa",
    "rail_gpo": "Multicaixa Express",
    "rail_emis_ref": "Multicaixa",
    "rail_ticket": "e-Kwanza",
    "offer_mpesa_stk": "M-Pesa (a prompt on your phone)",
    "offer_gpo": "Multicaixa Express (a prompt on your phone)",
    "offer_emis_ref": "Reference (at any ATM or in your bank's app)",
    "offer_ticket": "e-Kwanza (a code to type or scan)",
    "rail_line": "{number}. {way}",
    "pay_how": "How do you want to pay *{total}* for order {code}?\n\n{ways}\n\nReply a number.",
    "pay_how_other": "How do you want to pay?\n\n{ways}\n\nReply a number.",
    "pay_other": "*PAY OTHER* shows the other ways to pay.",
    "no_other_way": "*{shop}* has no other way to pay at the moment. Reply *PAY* to go on.",
    "held_until": "We keep it for you until {time}.",
    "payer_known": "The {rail} prompt will come to {phone}.",
    "confirm_empty": "Your cart is empty, so there is nothing to confirm yet. *MENU* shows what there is; "
    "reply a number to add it.",
    "confirm_already": "There is nothing new in your cart.\n{unpaid}",
    "confirm_sold_out": "Sorry, {item} has sold out meanwhile, so nothing was ordered. *REMOVE {item}* takes "
    "it out; then *CONFIRM* again.",
    "confirm_only_left": "Sorry, only {available} × {item} can be had now, so nothing was ordered. Reply "
    "*REMOVE {item}*, then *ADD {item} x {available}*, then *CONFIRM*.",
    "confirm_alone": "To order what is in your cart, reply just *CONFIRM*. *CART* shows it first.",
    "pay_alone": "To pay, reply just *PAY*, or *PAY* and the order's code. *STATUS* shows your orders.",
    "pay_again": "Sorry, your message reached us late. To pay now, please reply *PAY* once more.",
    "pay_number_not_asked": "The prompt comes to the number you are chatting from. Reply just *PAY*.",
    "phone_not_asked": "Thank you, but I need no phone number now. Reply *PAY* when you want to pay for a "
    "confirmed order.",
    "say_pay": "If you want to pay for a confirmed order, reply *PAY*. *STATUS* shows how your payment stands, "
    "*CART* what you picked.",
    "charge_sent": "Check your phone 📱\nM-Pesa is asking {phone} for *{amount}* to *{shop}* (order {code}). "
    "Enter your M-Pesa PIN in that prompt, never here in the chat. We tell you here as soon as the money is in.\n"
    "{stopped}",
    "charge_sent_gpo": "Check your phone 📱\nMulticaixa Express is asking {phone} for *{amount}* to *{shop}* (order "
    "{code}). Open the app and approve it within 90 seconds. Never write a PIN here in the chat. We tell you here as "
    "soon as the money is in.\n{stopped}",
    "reference_asked": "One moment: your {what} for *{amount}* (order {code}) is being made. It comes here in a few "
    "seconds.\n{stopped}",
    "reference_stopped": "You have replied STOP, so we can't write to you by ourselves: *STATUS* shows it in a moment.",
    "reference_coming": "Your {what} for order {code} is still being made. It comes here in a moment, and *STATUS* "
    "shows it, too.",
    "reference_open": "You can still pay order {code} like this:\n\n{instructions}\n\n{other}",
    "reference_block": "{entity}\nReference: *{reference}*\nAmount: *{amount}*\n{until}\n\nAt an ATM or in your bank's "
    "app, choose payments by reference (Pagamentos por referência), type these numbers and confirm. Keep the slip.",
    "what_emis_ref": "reference",
    "what_ticket": "e-Kwanza code",
    "entity_line": "Entity: *{entity}*",
    "ticket_block": "e-Kwanza code: *{reference}*\nAmount: *{amount}*\n{until}\n\n{steps}",
    "ticket_steps": "Open e-Kwanza, choose to pay, type the code and confirm.",
    "ticket_steps_picture": "Open e-Kwanza, choose to pay, scan the picture or type the code, and confirm.",
    "pay_until": "Pay by: *{time}*",
    "receipts_stopped": "You have replied STOP, so we can't write to you by ourselves: *STATUS* shows whether "
    "it is paid, *START* lets us send the receipt.",
    "charge_paid": "The payment of *{amount}* for order {code} is in. Your receipt follows.",
    "charge_unknown": "I can't tell yet whether the {rail} prompt for *{amount}* (order {code}) reached your "
    "phone. If it appears, you can approve it. Please don't pay a second time: we tell you here once we know.",
    "charge_unknown_reference": "I can't tell yet whether the {what} for *{amount}* (order {code}) was made. "
    "Nothing was charged. We tell you here once we know.",
    "charge_failed": "The payment of {amount} for order {code} didn't go through. {reason}\n\n{next}",
    "charge_not_started": "Sorry, the payment could not be started and nothing was charged. Please wait a "
    "minute, then reply *PAY* again.",
    "nothing_to_pay": "There is nothing to pay at *{shop}*: your cart is empty and no order is open. *MENU* "
    "shows what there is; add something, then *CONFIRM*, then *PAY*. *SHOP* goes to another shop.",
    "confirm_first": "Before you pay, please check your order:\n\n{lines}\n\n*Total: {total}*\n\nReply "
    "*CONFIRM* if it is right, then *PAY*.",
    "confirm_first_short": "Please confirm your order before you pay: *CART* shows it, *CONFIRM* orders it, "
    "then *PAY*.",
    "pay_which": "Which order do you want to pay?\n\n{orders}\n\nReply its number, or e.g. *PAY {example}*.",
    "which_order_short": "You have several open orders. *STATUS* shows them; then reply *PAY* or *CANCEL "
    "ORDER* with the code.",
    "payment_in_progress": "The {rail} prompt for order {code} is on your phone already. {answer}, or wait until "
    "it ends; then *PAY* sends a new one. No second prompt was sent.",
    "answer_mpesa_stk": "Enter your PIN there",
    "answer_gpo": "Approve it in the app",
    "payment_in_progress_short": "A payment prompt is on your phone already. Answer it there, or wait until it "
    "ends. No second prompt was sent.",
    "payment_closing": "The last try for order {code} is just being closed; nothing was charged. Please reply "
    "*PAY* again in a minute.",
    "payment_being_checked": "We are still checking with {rail} whether your payment for order {code} went "
    "through. Please don't pay again: we tell you here once we know.",
    "attempts_exhausted": "You have tried to pay three times here today, and that is the limit for one day. "
    "Nothing more was charged. Please try again tomorrow, or ask the shop.",
    "payer_busy": "That number has another payment prompt open, or had too many of them today. Finish the open "
    "one, or wait a few minutes and reply *PAY* again.",
    "ask_payer": "Which M-Pesa number shall we charge? Please reply with the phone number, e.g. 0708 374 149.",
    "ask_payer_gpo": "Which number is your Multicaixa Express on? Please reply with the phone number, e.g. 923 "
    "000 001.",
    "payer_invalid_gpo": "That number can't be charged with Multicaixa Express. Please reply with an Angolan "
    "number, e.g. 923 000 001.",
    "payer_invalid": "That number can't be charged with M-Pesa. Please reply with a Safaricom number, e.g. "
    "0708 374 149.",
    "rail_unavailable": "*{shop}* can't take {rail} at the moment. Your order is kept and nothing was charged. "
    "Please try again later, or ask the shop.",
    "rail_unavailable_others": "*{shop}* can't take {rail} at the moment. You can pay this way:\n\n{ways}\n\nReply a "
    "number.",
    "amount_invalid": "This amount can't be paid with {rail}. Nothing was charged. Please ask *{shop}*.",
    "pay_sold_out": "We couldn't keep {item} for you any longer and it is sold out, so nothing was charged. "
    "*CANCEL ORDER* ends this order; then start again from *MENU*.",
    "pay_sold_out_short": "We couldn't keep your items any longer and not all are left, so nothing was "
    "charged. *CANCEL ORDER* ends this order; then start again from *MENU*.",
    "already_paid": "Order {code} is paid already. Thank you!",
    "already_paid_receipt": "Order {code} is paid already. {receipt}\nThank you!",
    "already_cancelled": "Order {code} was cancelled. *MENU* starts a new one.",
    "order_changed": "That can't be done with this order any more. *STATUS* shows how it stands.",
    "order_unknown": 'I know no order "{code}" at *{shop}*. *STATUS* shows your orders here; if it is from '
    "another shop, reply *SHOP* first.",
    # --- orders ------------------------------------------------------------------------------------------------------
    "orders": "Your orders at *{shop}*:\n\n{orders}\n\nReply a number to see one.",
    "no_orders": "You have no orders at *{shop}* yet. *MENU* shows what there is.",
    "order": "Order *{code}* at *{shop}*\n\n{lines}\n\n*Total: {total}*\n{standing}\n\n{instructions}\n\n{other}",
    "order_choice": "{number}. {code}: {total}",
    "order_standing": "{number}. {code}: {total}. {standing}",
    "standing_draft": "In your cart. Reply CONFIRM to order.",
    "standing_unpaid": "Confirmed, not paid. Reply PAY {code}.",
    "standing_prompt": "The {rail} prompt is on your phone. {answer}.",
    "standing_reference": "Confirmed, not paid yet.",
    "standing_reference_coming": "Confirmed. Its {what} is being made.",
    "standing_reference_expired": "Its {what} has run out: please don't pay it any more. Reply PAY {code} for a new "
    "one.",
    "standing_checking": "We are checking the payment. Please don't pay again.",
    "standing_failed": "The last payment didn't go through. Reply PAY {code} to try again.",
    "standing_paid": "Paid ✅ {receipt}",
    "standing_paid_unnumbered": "Paid ✅",
    "standing_cancelled": "Cancelled.",
    "cancelled": "Order {code} is cancelled. Nothing will be charged. *MENU* starts a new one.",
    "cancelled_cart": "Your cart is emptied. *MENU* starts a new one.",
    "cancelled_prompt_live": "Order {code} is cancelled. ⚠️ The {rail} prompt for {total} is still on your "
    "phone: please dismiss it. If you enter your PIN anyway, the money reaches *{shop}* for a cancelled order; "
    "they will see it and settle it with you, and we tell you here.",
    "cancelled_reference_live": "Order {code} is cancelled. ⚠️ Please don't pay its reference any more. If you "
    "do, the money reaches *{shop}* for a cancelled order; they will see it and settle it with you, and we tell "
    "you here.",
    "cancel_hint": "Do you want to cancel your order? Then reply *CANCEL ORDER*. Nothing has changed yet.",
    "cancel_which": "Which order do you want to cancel?\n\n{orders}\n\nReply its number, or e.g. *CANCEL ORDER "
    "{example}*.",
    "nothing_to_cancel": "There is no open order to cancel at *{shop}*. *STATUS* shows your orders.",
    "cannot_cancel_paid": "Order {code} is paid, so it can't be cancelled here. Please ask *{shop}* about it.",
    # --- help and what was not understood ----------------------------------------------------------------------------
    "help": "You are at *{shop}*. You can reply:\n*MENU* – what we have (*MORE* for the next page)\n*FIND* "
    "milk – search\n*ADD* 2 x 3 – three of number 2; or *ADD* milk\n*CART* – what you picked\n*REMOVE* 1 – take "
    "out line 1\n*CONFIRM* – order it\n*PAY* – pay for it\n*STATUS* – your orders\n*CANCEL ORDER* – call it "
    "off\n*SHOP* – other shops\n*STOP* – no more messages from us; *START* brings them back",
    "help_without_shop": "Here you order from shops by chat and pay from your phone.\nReply *SHOP* to see the "
    "shops, then a number to go in. *MENU* shows what a shop has, *CART* what you picked, *CONFIRM* orders it, "
    "*PAY* pays for it, and *STATUS* shows how it stands. *STOP* ends our messages.",
    "hint_in_shop": "*MENU* shows what we have, *CART* what you picked, *HELP* everything else.",
    "hint_without_shop": "*SHOP* shows the shops, *HELP* everything else.",
    "thanks": "You're welcome! {hint}",
    "nothing_said": "That message was empty. {hint}",
    "image_only": "Thanks for the picture! I can only read text, though. {hint}",
    "voice_only": "Sorry, I can't listen to voice notes yet: please type it. {hint}",
    "video_only": "Sorry, I can't watch videos: please type it. {hint}",
    "location_only": "Thanks for the location! I can only read text, though. {hint}",
    "other_only": "Sorry, I can only read text. {hint}",
    "word_close": "Did you mean *{word}*?",
    "did_you_mean": 'I don\'t understand "{said}". Did you mean *{word}*?\n\n{hint}',
    "not_understood": 'I found nothing for "{said}" at *{shop}*. {hint}',
    "number_without_list": "There is no list to pick from. {hint}",
    # --- stop and start ----------------------------------------------------------------------------------------------
    "stopped": "You won't get any more messages from us. If you write to us, we still answer. Reply *START* to "
    "get receipts and news again.",
    "started": "Welcome back! You get receipts and news here again. {hint}",
    # --- news --------------------------------------------------------------------------------------------------------
    "receipt": "✅ *Paid. Thank you!*\n{shop}, order {code}\n\n{lines}\n\n*Total: {total}*\n{proof}\n{time}\n\n{spare}",
    "not_to_be_paid": "Please don't pay the reference or code that we gave you for it any more.",
    "proof_mpesa": "M-Pesa code: *{receipt}*",
    "proof_other": "Payment number: *{receipt}*",
    "proof_in_sms": "The M-Pesa code is in the SMS that M-Pesa sends you.",
    "news_instructions": "To pay for order {code} at *{shop}*:\n\n{instructions}\n\nWe tell you here as soon as it is "
    "paid. *STATUS* shows this again.",
    "news_reference_expired": "The {what} for {total} to *{shop}* (order {code}) has run out: please don't "
    "pay it any more.\n\n{next}",
    "news_refunded": "*{shop}* gave *{amount}* back to you. It goes to the account that you paid from.\n{order}\n"
    "{receipt}",
    "of_order": "Order {code}",
    "news_confirmed": "Your order {code} at *{shop}* is confirmed.\n\n{lines}\n\n*Total: {total}*\n\n{next}",
    "news_cancelled": "Your order {code} ({total}) at *{shop}* was cancelled. If that surprises you, please "
    "ask the shop.\n{spare}",
    "news_hold_expired": "We could not keep the items of order {code} at *{shop}* any longer. If you still "
    "want them: {next} It works if they are still there.",
    "news_failed": "Your payment of {total} to *{shop}* (order {code}) didn't go through. {reason}\n\n{next}",
    "news_unknown": "We can't tell yet whether your payment of {total} to *{shop}* (order {code}) went "
    "through. Please don't pay again: we are asking {rail} and tell you here.",
    "pay_here_code": "Reply *PAY {code}* to pay.",
    "pay_elsewhere": "Reply *SHOP {word}*, then *PAY {code}*.",
    "pay_somewhere": "Go to the shop with *SHOP*, then reply *PAY {code}*.",
    "retry_later": "Please ask the shop before you try again. Your order is kept.",
    "reason_cancelled_by_customer": "The {rail} prompt was cancelled on the phone.",
    "reason_insufficient_funds": "There was not enough money in the {rail} account.",
    "reason_wrong_pin": "The {rail} PIN was wrong.",
    "reason_unreachable": "{rail} could not reach the phone: is it on and has signal?",
    "reason_reference_expired": "The reference was not paid in time.",
    "reason_prompt_expired": "The {rail} prompt was not answered in time.",
    "reason_limit_reached": "It would go over a limit of the {rail} account.",
    "reason_busy": "{rail} was busy with another request for this phone. Please wait a minute.",
    "reason_amount_refused": "{rail} does not take this amount.",
    "reason_account_problem": "There is a problem with the {rail} account: {rail}'s customer care can help.",
    "reason_card_problem": "There is a problem with the card or account: try another one, or ask your bank.",
    "reason_reference_cancelled": "The reference was cancelled.",
    "reason_no_reference": "The reference could not be made. Nothing was charged.",
    "reason_shop_setup": "The shop's {rail} is not set up rightly. It is not your fault.",
    "reason_not_sent": "The {rail} prompt could not be sent. Nothing was charged.",
    "reason_provider_error": "{rail} had a problem.",
    "reason_unknown": "{rail} did not say why.",
    "exception_late": "Your payment of *{amount}* reached *{shop}* after order {code} was closed. {receipt}\n"
    "The shop has been told and settles it with you: nothing is lost.",
    "exception_no_stock": "Your payment of *{amount}* reached *{shop}*, but something in order {code} has sold "
    "out. {receipt}\nThe shop has been told and settles it with you: nothing is lost.",
    "exception_duplicate": "Order {code} at *{shop}* was paid twice: *{amount}* came a second time. {receipt}\n"
    "The shop has been told and settles it with you: nothing is lost.",
    "exception_under": "*{amount}* reached *{shop}* for order {code}, which is less than its total. {receipt}\n"
    "The shop has been told and settles it with you. Please don't pay again yet.",
    "exception_over": "*{amount}* reached *{shop}* for order {code}, which is more than its total. {receipt}\n"
    "The shop has been told and settles it with you: nothing is lost.",
    "exception_unmatched": "*{amount}* from you reached *{shop}*, but no order fits it. {receipt}\nThe shop "
    "has been told and settles it with you: nothing is lost.",
    # --- when something is wrong on our side -------------------------------------------------------------------------
    "unreachable_shop": "Sorry, we can't reach the shop right now. Your message is kept and will be answered "
    "as soon as it is back: no need to send it again.",
    "unreachable_payments": "Sorry, we can't reach the payment service right now. Your order is kept. Please "
    "don't pay a second time: *STATUS* shows how it stands, and we tell you here.",
    "capability_missing": "Sorry, *{shop}* doesn't offer that at the moment. *SHOP* shows the other shops.",
    "too_many_requests": "That was a lot at once: please wait a minute and try again.",
    "our_mistake": "Sorry, something went wrong on our side, and I can't say whether that was done. *STATUS* "
    "shows how your order stands, *CART* what you picked.",
    "and_more": Counted("… and {count} more", "… and {count} more"),
}
