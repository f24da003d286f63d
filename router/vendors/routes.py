"""The shops, as the bot looks them up."""

from typing import Annotated

from flask import Blueprint, Response
from pydantic import BaseModel, StringConstraints

from contracts.errors import ErrorCode
from contracts.router_api import ShopList
from kit.problems import Problem
from kit.web import answer, read_query
from router.edge import Edge
from router.vendors.service import shop_view


class ShopQuery(BaseModel):
    word: Annotated[str, StringConstraints(max_length=100)] | None = None


def shop_routes(edge: Edge) -> Blueprint:
    routes = Blueprint("shops", __name__)

    @routes.get("/v1/shops")
    def shops() -> Response:
        edge.bot()
        word = read_query(ShopQuery).word
        if word is None:
            return answer(ShopList(shops=[shop_view(vendor) for vendor in edge.directory.taking_orders()]))
        vendor = edge.directory.by_word(word)
        if vendor is None:
            raise Problem(404, ErrorCode.SHOP_UNKNOWN, "no shop answers to this word")
        return answer(shop_view(edge.directory.permit(vendor.id)))

    @routes.get("/v1/shops/<vendor_id>")
    def shop(vendor_id: str) -> Response:
        edge.bot()
        return answer(shop_view(edge.directory.permit(vendor_id)))

    return routes
