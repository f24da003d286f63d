"""kill -9 of each process between the steps of a purchase: nothing acknowledged is lost, nothing is pushed twice.

A purchase is a list of steps; before one of them a process dies and comes back while the customer goes on typing. The
journey then behaves as a person would: repeats what was not delivered, and waits."""

import random
import time
from collections.abc import Callable
from datetime import datetime

import pytest

from dukani.processes import Process
from tests.journeys.books import Books
from tests.journeys.commands import reconcile
from tests.support.phone import Phone, Prompt
from tests.support.processes import Shop, eventually
from tests.support.statements import EAT, Row, org

WHO = "Achieng"
OURS = (Process.BOT, Process.ROUTER, Process.PAYMENT_ADAPTER)
STEPS = ("SHOP mama", "MENU", "ADD 2", "CONFIRM", "PAY", "the PIN", "the receipt")


class Purchase:
    """One customer's purchase, step by step, patient with a shop that is restarting."""

    def __init__(self, phone: Phone, books: Books, who: str = WHO) -> None:
        self.phone = phone
        self.books = books
        self.who = who
        self.prompt: Prompt | None = None

    def step(self, name: str) -> None:
        match name:
            case "the PIN":
                self._await_prompt()
                self.prompt = self.phone.enter_pin(self.who)
            case "the receipt":
                self._hear_of_receipt()
            case said:
                self._say(said)

    def _say(self, text: str) -> None:
        """Until a message of this text was taken; then until it was answered."""
        place = self.phone.insists(self.who, text, timeout_s=40)
        self.phone.wait_for_reply(self.who, after=place, timeout_s=40)

    def _await_prompt(self) -> None:
        """A push whose sender died before it left is never repeated, since nobody can know that it did not leave. The
        customer waits until another try is allowed, and replies PAY again."""

        def is_decided() -> bool:
            return bool(self.phone.prompts(self.who)) or self.books.charges()[-1:] == ["unknown"]

        eventually(is_decided, "a prompt, or a charge that nobody can know of", 40)
        if not self.phone.prompts(self.who):
            eventually(lambda: self.books.intents()[-1:] == ["unknown"], "the router knows that nobody knows", 40)
            self.phone.advance(11 * 60)
            self._say("PAY")
            self.phone.wait_for_prompt(self.who, timeout_s=40)

    def await_accepted(self) -> None:
        """The phone rings before the adapter has noted that the provider took the push. One that dies in between can't
        ask about it, nor is it told again of a payment that it was told of while it was down."""
        eventually(lambda: self.books.charges()[-1:] == ["accepted"], "the adapter knows that its push was taken", 40)

    def _hear_of_receipt(self) -> None:
        eventually(self.has_heard, f"word of the payment {self.receipt}", 60)

    @property
    def receipt(self) -> str:
        assert self.prompt is not None
        assert self.prompt.receipt is not None
        return self.prompt.receipt

    def has_heard(self) -> bool:
        self.phone.advance(5)  # back-offs and polls go by the clock
        return any("paid" in one.body.lower() for one in self.phone.replies(self.who))


def kill_and_return(shop: Shop, process: Process, go_on: Callable[[], None]) -> None:
    """Kill the process, let the customer go on in another thread of events, bring it back."""
    shop.kill(process)
    shop.start(process)
    go_on()


def settle(books: Books, phone: Phone) -> None:
    def paid() -> bool:
        phone.advance(5)
        return books.order_statuses() == ["PAID"]

    eventually(paid, f"the order is PAID (it is {books.order_statuses()})", 60)


def judge(books: Books, phone: Phone) -> None:
    """One order, one push, one charge, one receipt: whatever died."""
    settle(books, phone)
    books.one_paid_once(12_000)
    assert len(phone.pushes()) == 1
    prompt = phone.prompts(WHO)[-1]
    told = [one for one in phone.replies(WHO) if "paid" in one.body.lower() and "120" in one.body]
    assert len(told) == 1, [one.body for one in phone.replies(WHO)]
    assert prompt.state == "paid"


@pytest.mark.parametrize("process", OURS)
@pytest.mark.parametrize("step", ["ADD 2", "PAY", "the PIN", "the receipt"])
def test_a_process_that_dies_before_a_step_costs_nothing(
    shop: Shop, phone: Phone, books: Books, process: Process, step: str
) -> None:
    purchase = Purchase(phone, books)
    for name in STEPS:
        if name == "the PIN" and step == "the receipt":
            purchase.await_accepted()
        if name == step:
            kill_and_return(shop, process, lambda name=name: purchase.step(name))
        else:
            purchase.step(name)
    judge(books, phone)


@pytest.mark.parametrize("process", OURS)
def test_a_process_that_dies_the_moment_after_pay_pushes_once_at_most(
    shop: Shop, phone: Phone, books: Books, process: Process
) -> None:
    purchase = Purchase(phone, books)
    for name in STEPS[:4]:
        purchase.step(name)
    said = phone.says(WHO, "PAY")
    shop.kill(process)
    shop.start(process, by_command=True)
    if any(one.place == said and one.status == "failed" for one in phone.messages(WHO)):
        phone.insists(WHO, "PAY", timeout_s=40)  # it was never taken, so nobody was promised anything

    eventually(lambda: bool(books.charges()), "the grant reached the adapter", 60)
    purchase.step("the PIN")
    purchase.step("the receipt")
    judge(books, phone)


def explain_if_nobody_told(shop: Shop, purchase: Purchase, paid_at: datetime) -> None:
    """An adapter that dies before it has noted that its push was taken can't ask about it, and M-Pesa tells of a
    payment once: if the adapter is down again just then, only M-Pesa's own books are left."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if purchase.has_heard():
            return
        time.sleep(0.01)
    assert purchase.books.charges()[-1:] == ["unknown"], "nobody told, though the adapter could have asked"
    (order,) = purchase.books.orders()
    row = Row(purchase.receipt, order["total_minor"], paid_at.astimezone(EAT), order["code"])
    reconcile(shop, org([row]))


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(40))
def test_processes_that_die_at_random_cost_nothing(shop: Shop, phone: Phone, books: Books, seed: int) -> None:
    chance = random.Random(seed)
    purchase = Purchase(phone, books)
    paid_at = shop.clock.now()
    for name in STEPS:
        if chance.random() < 0.6:
            process = chance.choice(OURS)
            shop.kill(process)
            time.sleep(chance.random() * 0.3)
            shop.start(process)
        if name == "the receipt":
            explain_if_nobody_told(shop, purchase, paid_at)
        purchase.step(name)
        if name == "the PIN":
            paid_at = shop.clock.now()
    judge(books, phone)
