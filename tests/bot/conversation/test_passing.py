"""What a message reminds of, and until when it means something, goes with it."""

from datetime import timedelta

from bot.replies.passing import Left, Passing, StillLeft
from bot.replies.template import template_of
from contracts.events import EventType
from tests.support.chat import Chat


def test_an_unpaid_order_is_spoken_of_by_the_end_of_that_day_with_an_approved_text_beside_it(confirmed: Chat) -> None:
    order = confirmed.router.latest()
    news = confirmed.router.order_news(order.code, EventType.ORDER_UNPAID)
    until = news.occurred_at + timedelta(hours=3)
    assert confirmed.hears(news.model_copy(update={"data": {**news.data, "not_after": until.isoformat()}}))
    reply = confirmed.replies[-1]
    assert reply.passing == Passing(until, StillLeft(Left.ORDER, news.vendor_id, order.order_id, news.occurred_at))
    assert reply.template is not None
    assert order.code in template_of(reply.template, "en").values


def test_a_cart_is_spoken_of_only_to_whoever_wrote_within_a_day(with_cart: Chat) -> None:
    cart = with_cart.router.latest()
    news = with_cart.router.order_news(cart.code, EventType.CART_LEFT_BEHIND)
    assert with_cart.hears(news)
    reply = with_cart.replies[-1]
    assert reply.template is None
    assert reply.passing is not None
    assert reply.passing.while_left == StillLeft(Left.CART, news.vendor_id, cart.order_id, news.occurred_at)
    assert news.occurred_at < reply.passing.not_after <= news.occurred_at + timedelta(hours=1)
