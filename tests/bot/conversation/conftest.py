"""Customers at three points of a purchase: in a shop, with a cart, with a confirmed order."""

import pytest

from tests.support.chat import Chat
from tests.support.fake_router import OWN_MSISDN


@pytest.fixture
def in_shop() -> Chat:
    chat = Chat()
    chat.says("SHOP mama")
    return chat


@pytest.fixture
def with_cart() -> Chat:
    """Two milk, KES 120, from a number that the channel shows."""
    chat = Chat()
    chat.own_msisdn = OWN_MSISDN
    chat.says_each("SHOP mama", "add milk x 2")
    return chat


@pytest.fixture
def confirmed(with_cart: Chat) -> Chat:
    with_cart.says("CONFIRM")
    return with_cart
