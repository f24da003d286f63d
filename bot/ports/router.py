"""The router as the bot knows it: one call per command."""

from typing import assert_never
from urllib.parse import quote

from bot.conversation.model import (
    AddItem,
    AskForPerson,
    Cancel,
    ChooseDay,
    ChooseFulfilment,
    Confirm,
    FindItems,
    FindOther,
    FindShop,
    JoinAlerts,
    LeaveAlerts,
    LeaveNote,
    ListCategories,
    ListItems,
    ListOrders,
    ListShops,
    ListZones,
    NameReceipt,
    OrderAgain,
    Pay,
    RemoveItem,
    ReturnToBot,
    ShowCart,
    ShowItem,
    UseVoucher,
)
from contracts import chat_api, claims
from contracts.chat_api import AlertsJoined, AlertsLeft, HandoverView
from contracts.claims import ReceiptView
from contracts.router_api import (
    AddLine,
    CancelOrder,
    CancelResult,
    CartView,
    CategoryList,
    ConfirmCart,
    CustomerRef,
    ItemCard,
    ItemPage,
    ItemsFound,
    OrderList,
    OrderView,
    OtherOrder,
    PayOrder,
    PayResult,
    RemoveLine,
    Reorder,
    ReorderResult,
    SetDay,
    SetFulfilment,
    SetNote,
    SetVoucher,
    ShopList,
    ShopView,
    ZoneList,
)
from kit.peers import Peer

LookingCommand = (
    FindShop | ListShops | ListItems | FindItems | ShowItem | ListCategories | ListZones | ListOrders | FindOther
)
ArrangingCommand = ChooseFulfilment | LeaveNote | UseVoucher | ChooseDay | OrderAgain
CartCommand = ShowCart | AddItem | RemoveItem | Confirm | Cancel | Pay | NameReceipt
PeopleCommand = AskForPerson | ReturnToBot | JoinAlerts | LeaveAlerts
RouterCommand = LookingCommand | ArrangingCommand | CartCommand | PeopleCommand
LookingAnswer = (
    ShopView | ShopList | ItemPage | ItemsFound | ItemCard | CategoryList | ZoneList | OrderList | OtherOrder
)
CartAnswer = CartView | OrderView | CancelResult | PayResult | ReceiptView
PeopleAnswer = HandoverView | AlertsJoined | AlertsLeft
RouterAnswer = LookingAnswer | CartAnswer | PeopleAnswer


class Router:
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def perform(self, command: RouterCommand, customer: CustomerRef, key: str) -> RouterAnswer:
        """Raises Refusal or Unreachable. The same key with the same command has one effect."""
        peer = self._peer
        match command:
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
            case Pay(vendor, code, msisdn, rail, is_for_other):
                wanted = {"code": code, "payer_msisdn": msisdn, "rail": rail, "is_for_other": is_for_other}
                pay = PayOrder.model_validate({"customer": customer, **wanted})
                return peer.post(PayResult, "/v1/orders/pay", pay, vendor=vendor, idempotency_key=key)
            case NameReceipt(vendor, receipt):
                named = claims.NameReceipt(customer=customer, receipt=receipt)
                return peer.post(ReceiptView, claims.RECEIPTS_PATH, named, vendor=vendor, idempotency_key=key)
            case AskForPerson() | ReturnToBot() | JoinAlerts() | LeaveAlerts():
                return self._of_people(command, customer, key)
            case ChooseFulfilment() | LeaveNote() | UseVoucher() | ChooseDay() | OrderAgain():
                return self._arranged(command, customer, key)
            case _:
                return self._seen(command, customer)

    def _seen(self, command: LookingCommand, customer: CustomerRef) -> LookingAnswer:
        peer = self._peer
        match command:
            case FindShop(word):
                return peer.get(ShopView, "/v1/shops", params={"word": word})
            case ListShops():
                return peer.get(ShopList, "/v1/shops")
            case ListItems(vendor, query, after, limit, category):
                wanted = {"query": query, "category": category, "after": after or "", "limit": str(limit)}
                params = {name: value for name, value in wanted.items() if value}
                return peer.get(ItemPage, "/v1/catalog/items", vendor=vendor, params=params)
            case FindItems(vendor, queries, limit):
                params = {"queries": "\n".join(queries), "limit": str(limit)}
                return peer.get(ItemsFound, "/v1/catalog/lookup", vendor=vendor, params=params)
            case ShowItem(vendor, item_id):
                return peer.get(ItemCard, f"/v1/catalog/items/{quote(item_id, safe='')}", vendor=vendor)
            case ListCategories(vendor):
                return peer.get(CategoryList, "/v1/catalog/categories", vendor=vendor)
            case ListZones(vendor):
                return peer.get(ZoneList, "/v1/delivery/zones", vendor=vendor)
            case FindOther(vendor, code):
                params = {"customer": customer.address, "code": code}
                return peer.get(OtherOrder, "/v1/orders/other", vendor=vendor, params=params)
            case ListOrders(vendor, limit, cursor):
                wanted = {"customer": customer.address, "limit": str(limit), "cursor": cursor or ""}
                params = {name: value for name, value in wanted.items() if value}
                return peer.get(OrderList, "/v1/orders", vendor=vendor, params=params)
            case _:
                assert_never(command)

    def _arranged(self, command: ArrangingCommand, customer: CustomerRef, key: str) -> CartView:
        peer = self._peer
        match command:
            case ChooseFulfilment(vendor, kind, zone_id, latitude, longitude, landmark):
                wanted = SetFulfilment(
                    customer=customer,
                    kind=kind,
                    zone_id=zone_id,
                    latitude=latitude,
                    longitude=longitude,
                    landmark=landmark,
                )
                return peer.post(CartView, "/v1/cart/fulfilment", wanted, vendor=vendor, idempotency_key=key)
            case LeaveNote(vendor, note):
                noted = SetNote(customer=customer, note=note)
                return peer.post(CartView, "/v1/cart/note", noted, vendor=vendor, idempotency_key=key)
            case UseVoucher(vendor, code):
                voucher = SetVoucher(customer=customer, code=code)
                return peer.post(CartView, "/v1/cart/voucher", voucher, vendor=vendor, idempotency_key=key)
            case ChooseDay(vendor, day):
                due = SetDay(customer=customer, day=day)
                return peer.post(CartView, "/v1/cart/schedule", due, vendor=vendor, idempotency_key=key)
            case OrderAgain(vendor, code):
                again = Reorder(customer=customer, code=code)
                return peer.post(ReorderResult, "/v1/cart/reorder", again, vendor=vendor, idempotency_key=key)
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
