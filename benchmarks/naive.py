"""The thing to be measured against: the same shop as one would write it in an afternoon.

ORM, `requests`, no inbox, no leases, no idempotency; the reply is sent within the webhook. It loses messages when it
dies, and is here only to be raced.

`python -m benchmarks.naive bot|router` serves one of the two; addresses come from the environment."""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import requests
from flask import Flask, Response, request
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload
from twilio.request_validator import RequestValidator

from kit.serve import serve
from kit.service import Service


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "naive_items"
    id: Mapped[str] = mapped_column(primary_key=True)
    vendor_id: Mapped[str]
    name: Mapped[str]
    price: Mapped[int]


class Customer(Base):
    __tablename__ = "naive_customers"
    id: Mapped[str] = mapped_column(primary_key=True)
    vendor_id: Mapped[str]
    address: Mapped[str] = mapped_column(index=True)


class Order(Base):
    __tablename__ = "naive_orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("naive_customers.id"), index=True)
    status: Mapped[str]
    created_at: Mapped[datetime]
    lines: Mapped[list["Line"]] = relationship(back_populates="order")


class Line(Base):
    __tablename__ = "naive_lines"
    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("naive_orders.id"), index=True)
    item_id: Mapped[str]
    name: Mapped[str]
    price: Mapped[int]
    quantity: Mapped[int]
    order: Mapped[Order] = relationship(back_populates="lines")


class Talk(Base):
    __tablename__ = "naive_talks"
    address: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]


def create_tables(url: str) -> None:
    """Tables and twelve items. For the benchmark, before both processes start."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Item(id=f"item-{n}", vendor_id="naive", name=f"Item {n}", price=50 + n) for n in range(1, 13))
        session.commit()
    engine.dispose()


def router_app() -> Flask:
    engine = create_engine(os.environ["NAIVE_OPS_URL"], pool_size=8)
    app = Flask("naive_router")

    def add_line() -> Response:
        asked = request.get_json()
        with Session(engine) as session:
            item = session.get_one(Item, asked["item_id"])
            customer = session.scalars(select(Customer).where(Customer.address == asked["address"])).first()
            if customer is None:
                customer = Customer(id=str(uuid4()), vendor_id="naive", address=asked["address"])
                session.add(customer)
                session.flush()
            order = session.scalars(
                select(Order)
                .where(Order.customer_id == customer.id, Order.status == "DRAFT")
                .options(selectinload(Order.lines))
            ).first()
            if order is None:
                order = Order(id=str(uuid4()), customer_id=customer.id, status="DRAFT", created_at=datetime.now(UTC))
                session.add(order)
            line = next((line for line in order.lines if line.item_id == item.id), None)
            if line is None:
                order.lines.append(
                    Line(id=str(uuid4()), item_id=item.id, name=item.name, price=item.price, quantity=asked["quantity"])
                )
            else:
                line.quantity += asked["quantity"]
            session.commit()
            lines = [{"name": line.name, "quantity": line.quantity, "price": line.price} for line in order.lines]
        return Response(json.dumps({"lines": lines}), mimetype="application/json")

    app.add_url_rule("/cart/lines", "add_line", add_line, methods=["POST"])
    app.add_url_rule("/ready", "ready", lambda: "ready")
    return app


def bot_app() -> Flask:
    engine = create_engine(os.environ["NAIVE_CONVERSATIONS_URL"], pool_size=8)
    router, twilio, public = os.environ["NAIVE_ROUTER"], os.environ["NAIVE_TWILIO"], os.environ["NAIVE_PUBLIC"]
    validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])
    account = os.environ["TWILIO_ACCOUNT_SID"]
    to_router, to_twilio = requests.Session(), requests.Session()
    app = Flask("naive_bot")

    def webhook() -> Response:
        form = request.form
        if not validator.validate(public + request.path, form, request.headers.get("X-Twilio-Signature", "")):
            return Response(status=403)
        with Session(engine) as session:
            talk = session.get(Talk, form["From"]) or Talk(address=form["From"], state="{}")
            number = int(form["Body"].split()[-1])
            asked = {"address": form["From"], "item_id": f"item-{number}", "quantity": 1}
            cart = to_router.post(f"{router}/cart/lines", json=asked, timeout=5).json()
            talk.state = json.dumps({"shop": "naive", "cart": len(cart["lines"])})
            session.merge(talk)
            session.commit()
        body = "\n".join(f"{line['quantity']} x {line['name']}: KES {line['price']}" for line in cart["lines"])
        to_twilio.post(
            f"{twilio}/2010-04-01/Accounts/{account}/Messages.json",
            data={"From": form["To"], "To": form["From"], "Body": body},
            auth=(account, os.environ["TWILIO_AUTH_TOKEN"]),
            timeout=5,
        )
        return Response("<Response/>", mimetype="text/xml")

    app.add_url_rule("/ready", "ready", lambda: "ready")
    app.add_url_rule("/webhooks/twilio/whatsapp", "webhook", webhook, methods=["POST"])
    return app


def main() -> None:
    which = sys.argv[1]
    make: Callable[[], Flask] = {"bot": bot_app, "router": router_app}[which]
    app_port = int(os.environ[f"NAIVE_{which.upper()}_PORT"])
    serve(f"naive-{which}", lambda: Service(f"naive-{which}", make()), port=app_port)


if __name__ == "__main__":
    main()
