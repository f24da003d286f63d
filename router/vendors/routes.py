"""The shops, as the bot looks them up."""

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response
from pydantic import BaseModel, StringConstraints

from contracts.errors import ErrorCode
from contracts.router_api import ShopList, ShopView
from kit.problems import Problem
from kit.web import answer, read_query
from router.edge import Call, Edge, Routes
from router.operations import BY_BOT, Operation
from router.vendors.service import FrontOf, Vendor, shop_view


class ShopQuery(BaseModel):
    word: Annotated[str, StringConstraints(max_length=100)] | None = None


FIND_SHOPS = Operation(
    "shops.find",
    "GET",
    "/v1/shops",
    "The shop that answers to a word; without a word, those that take orders",
    BY_BOT,
    of_shop=False,
    query=ShopQuery,
    answer=ShopList,
    other_answers=(ShopView,),
    description="With `word` the answer is one ShopView; without, a ShopList of at most ten.",
    problems=((404, ErrorCode.SHOP_UNKNOWN),),
    tag="shops",
)
SHOW_SHOP = Operation(
    "shops.show",
    "GET",
    "/v1/shops/<vendor_id>",
    "One shop",
    BY_BOT,
    of_shop=False,
    answer=ShopView,
    problems=((404, ErrorCode.SHOP_UNKNOWN),),
    tag="shops",
    parameters={"vendor_id": "The shop's id"},
)


def shop_routes(edge: Edge, front_of: FrontOf) -> Blueprint:
    routes = Routes(edge, "shops")

    def view(vendor: Vendor, now: datetime) -> ShopView:
        return shop_view(vendor, front_of(vendor, now))

    @routes.add(FIND_SHOPS)
    def shops(call: Call) -> Response:
        word = read_query(ShopQuery).word
        if word is None:
            return answer(ShopList(shops=[view(vendor, call.now) for vendor in edge.directory.taking_orders()]))
        vendor = edge.directory.by_word(word)
        if vendor is None:
            raise Problem(404, ErrorCode.SHOP_UNKNOWN, "no shop answers to this word")
        return answer(view(edge.directory.permit(vendor.id), call.now))

    @routes.add(SHOW_SHOP)
    def shop(call: Call, vendor_id: str) -> Response:
        return answer(view(edge.directory.permit(vendor_id), call.now))

    return routes.blueprint
