"""The router as the bot knows it: one call per command."""

from typing import assert_never

from bot.conversation.model import (
    AddItem,
    AskForPerson,
    Cancel,
    Confirm,
    FindItems,
    FindShop,
    JoinAlerts,
    LeaveAlerts,
    ListItems,
    ListOrders,
    ListShops,
    Pay,
    RemoveItem,
    ReturnToBot,
    ShowCart,
)
from contracts import chat_api
from contracts.chat_api import AlertsJoined, AlertsLeft, HandoverView
from contracts.router_api import (
    AddLine,
    CancelOrder,
    CancelResult,
    CartView,
    ConfirmCart,
    CustomerRef,
    ItemPage,
    ItemsFound,
    OrderList,
    OrderView,
    PayOrder,
    PayResult,
    RemoveLine,
    ShopList,
    ShopView,
)
from kit.peers import Peer

ShoppingCommand = (
    FindShop | ListShops | ListItems | FindItems | ShowCart | AddItem | RemoveItem | Confirm | Cancel | Pay | ListOrders
)
PeopleCommand = AskForPerson | ReturnToBot | JoinAlerts | LeaveAlerts
RouterCommand = ShoppingCommand | PeopleCommand
ShoppingAnswer = (
    ShopView | ShopList | ItemPage | ItemsFound | CartView | OrderView | CancelResult | PayResult | OrderList
)
PeopleAnswer = HandoverView | AlertsJoined | AlertsLeft
RouterAnswer = ShoppingAnswer | PeopleAnswer

_RECENT_ORDERS = 10


class Router:
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def perform(self, command: RouterCommand, customer: CustomerRef, key: str) -> RouterAnswer:
        """Raises Refusal or Unreachable. The same key with the same command has one effect."""
        peer = self._peer
        match command:
            case FindShop(word):
                return peer.get(ShopView, "/v1/shops", params={"word": word})
            case ListShops():
                return peer.get(ShopList, "/v1/shops")
            case ListItems(vendor, query, after, limit):
                wanted = {"query": query, "after": after or "", "limit": str(limit)}
                params = {name: value for name, value in wanted.items() if value}
                return peer.get(ItemPage, "/v1/catalog/items", vendor=vendor, params=params)
            case FindItems(vendor, queries, limit):
                params = {"queries": "\n".join(queries), "limit": str(limit)}
                return peer.get(ItemsFound, "/v1/catalog/lookup", vendor=vendor, params=params)
            case ShowCart(vendor):
                return peer.get(CartView, "/v1/cart", vendor=vendor, params={"customer": customer.address})
            case AddItem(vendor, item_id, quantity):
                line = AddLine(customer=customer, item_id=item_id, quantity=quantity)
                return peer.post(CartView, "/v1/cart/lines", line, vendor=vendor, idempotency_key=key)
            case RemoveItem(vendor, line_no):
                removed = RemoveLine(customer=customer, line_no=line_no)
                return peer.post(CartView, "/v1/cart/lines/remove", removed, vendor=vendor, idempotency_key=key)
            case Confirm(vendor):
                confirm = ConfirmCart(customer=customer)
                return peer.post(OrderView, "/v1/cart/confirm", confirm, vendor=vendor, idempotency_key=key)
            case Cancel(vendor, code):
                cancel = CancelOrder(customer=customer, code=code)
                return peer.post(CancelResult, "/v1/orders/cancel", cancel, vendor=vendor, idempotency_key=key)
            case Pay(vendor, code, payer_msisdn, rail):
                pay = PayOrder(customer=customer, code=code, payer_msisdn=payer_msisdn, rail=rail)
                return peer.post(PayResult, "/v1/orders/pay", pay, vendor=vendor, idempotency_key=key)
            case ListOrders(vendor):
                params = {"customer": customer.address, "limit": str(_RECENT_ORDERS)}
                return peer.get(OrderList, "/v1/orders", vendor=vendor, params=params)
            case AskForPerson() | ReturnToBot() | JoinAlerts() | LeaveAlerts():
                return self._of_people(command, customer, key)
            case _:
                assert_never(command)

    def _of_people(self, command: PeopleCommand, customer: CustomerRef, key: str) -> PeopleAnswer:
        peer = self._peer
        match command:
            case AskForPerson(vendor, about):
                asked = chat_api.AskForPerson(customer=customer, about=about)
                return peer.post(HandoverView, "/v1/chat/handover", asked, vendor=vendor, idempotency_key=key)
            case ReturnToBot(vendor):
                returned = chat_api.ReturnToBot(customer=customer)
                return peer.post(HandoverView, "/v1/chat/return", returned, vendor=vendor, idempotency_key=key)
            case JoinAlerts(vendor, code):
                joined = chat_api.JoinAlerts(customer=customer, code=code)
                return peer.post(AlertsJoined, "/v1/chat/alerts", joined, vendor=vendor, idempotency_key=key)
            case LeaveAlerts(vendor):
                left = chat_api.LeaveAlerts(customer=customer)
                return peer.post(AlertsLeft, "/v1/chat/alerts/leave", left, vendor=vendor, idempotency_key=key)
