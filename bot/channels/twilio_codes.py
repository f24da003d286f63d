"""Twilio's error codes that a message can end with, and what is done about each.

Source of every code: twilio.com/docs/api/errors/<code>, and for what WhatsApp said behind it
twilio.com/docs/whatsapp/api/error-code-mapping."""

from bot.channels.remedies import Remedy

REMEDIES: dict[int, Remedy] = {
    # --- the request was refused ---
    20003: Remedy.OUR_SETTINGS,  # authentication failed
    20404: Remedy.UNTAPPED,  # no such resource: a content that was deleted
    20429: Remedy.LATER,  # too many requests
    21211: Remedy.NOBODY,  # invalid To
    21603: Remedy.OUR_SETTINGS,  # From is missing
    21604: Remedy.NOBODY,  # To is missing
    21606: Remedy.OUR_SETTINGS,  # From is not ours
    21608: Remedy.OUR_SETTINGS,  # a trial account sends to verified numbers only
    21609: Remedy.OUR_SETTINGS,  # StatusCallback is no address
    21610: Remedy.STOP,  # the recipient has unsubscribed
    21611: Remedy.LATER,  # the queue of this sender is full
    21614: Remedy.NOBODY,  # To can't receive messages
    21617: Remedy.GIVE_UP,  # the body is too long
    21619: Remedy.AS_TEXT,  # no body, media or content
    21620: Remedy.AS_TEXT,  # the media's address is invalid
    21655: Remedy.UNTAPPED,  # no such ContentSid
    21656: Remedy.UNTAPPED,  # ContentVariables can't be read
    21658: Remedy.UNTAPPED,  # a value of ContentVariables is too long
    21910: Remedy.OUR_SETTINGS,  # From and To are of different channels
    # --- the channel refused it, or it did not arrive ---
    30001: Remedy.LATER,  # queue overflow
    30002: Remedy.OUR_SETTINGS,  # the account is suspended
    30003: Remedy.GIVE_UP,  # the phone is unreachable
    30004: Remedy.STOP,  # blocked
    30005: Remedy.NOBODY,  # unknown destination
    30006: Remedy.NOBODY,  # a destination that can't receive it
    30007: Remedy.GIVE_UP,  # filtered
    30008: Remedy.AS_TEXT,  # unknown error
    63001: Remedy.OUR_SETTINGS,  # the channel could not authenticate the request
    63002: Remedy.OUR_SETTINGS,  # the channel does not know From
    63003: Remedy.NOBODY,  # the channel does not know To
    63005: Remedy.UNTAPPED,  # the channel did not accept the content
    63006: Remedy.UNTAPPED,  # a message could not be formatted for the channel
    63007: Remedy.OUR_SETTINGS,  # no channel with that From address
    63008: Remedy.OUR_SETTINGS,  # the channel's module is misconfigured
    63009: Remedy.LATER,  # the channel answered with an error of its own
    63010: Remedy.LATER,  # an internal error of Twilio
    63011: Remedy.AS_TEXT,  # the request could not be processed
    63012: Remedy.LATER,  # an internal error of the channel
    63013: Remedy.GIVE_UP,  # against the channel's policy
    63014: Remedy.STOP,  # the customer blocked it
    63015: Remedy.OUR_SETTINGS,  # the sandbox: the customer has not joined
    63016: Remedy.WINDOW_CLOSED,  # free text outside the window
    63017: Remedy.LATER,  # the account's rate
    63018: Remedy.LATER,  # the channel's rate
    63019: Remedy.AS_TEXT,  # the media could not be downloaded
    63020: Remedy.OUR_SETTINGS,  # the business's account at Meta
    63021: Remedy.UNTAPPED,  # invalid content
    63022: Remedy.OUR_SETTINGS,  # the sender's name has no valid certificate
    63023: Remedy.LATER,  # the channel's generic error
    63024: Remedy.NOBODY,  # an invalid recipient
    63025: Remedy.AS_TEXT,  # the media exists already
    63027: Remedy.WINDOW_CLOSED,  # there is no such template
    63028: Remedy.WINDOW_CLOSED,  # another number of values than the template has
    63029: Remedy.GIVE_UP,  # the receiver failed to download a template
    63030: Remedy.UNTAPPED,  # a parameter that is not supported for this type
    63031: Remedy.OUR_SETTINGS,  # From and To are the same
    63032: Remedy.GIVE_UP,  # WhatsApp sends nothing to this customer: part of an experiment
    63033: Remedy.STOP,  # the recipient blocked messages
    63034: Remedy.AS_TEXT,  # the media is too large
    63038: Remedy.OUR_SETTINGS,  # the account's limit of a day
    63040: Remedy.WINDOW_CLOSED,  # the template was rejected
    63041: Remedy.WINDOW_CLOSED,  # the template is paused
    63042: Remedy.WINDOW_CLOSED,  # the template is disabled
    63049: Remedy.GIVE_UP,  # WhatsApp chose not to deliver it, and asks not to try again
    63051: Remedy.OUR_SETTINGS,  # the business account is locked
}


def remedy_for(code: int | None) -> Remedy:
    return REMEDIES.get(code or 0, Remedy.AS_TEXT)
