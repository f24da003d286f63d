"""A receipt on paper: a PDF fetched under a token, in the customer's language, with the text to fall back on."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fpdf import FPDF

from bot.conversation.model import Event, State, Step
from bot.conversation.receipts import receipt_of
from bot.conversation.state import Shop
from bot.pages.paper import laid_out, printable
from bot.ports.messenger import Kind, Refused
from bot.replies.paper import paper_of
from bot.replies.rendering import render
from bot.replies.reply import Document, Reply
from contracts.money import Currency
from contracts.router_api import LineView, OrderView, PaymentView
from contracts.states import IntentStatus, OrderStatus, Rail, RequestStatus
from tests.support.bot import PUBLIC_URL, BotUnderTest

MAMA = Shop("vendor-mama", "mama", "Mama Njeri – Café & Sons", "Africa/Nairobi", Currency.KES)
PAID_AT = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)
ORDER = OrderView(
    order_id="order-1",
    code="CDFGHJ",
    status=OrderStatus.PAID,
    currency=Currency.KES,
    total_minor=18500,
    lines=[
        LineView(line_no=1, item_id="1", name="Milk", quantity=2, unit_price_minor=6000, total_minor=12000),
        LineView(line_no=2, item_id="2", name="Bread ★", quantity=1, unit_price_minor=6500, total_minor=6500),
    ],
    created_at=PAID_AT - timedelta(minutes=9),
    paid_at=PAID_AT,
    receipt="SJK4H7L2QW",
    payment=PaymentView(
        request_id="r",
        request_status=RequestStatus.PAID,
        intent_id="i",
        intent_status=IntentStatus.SUCCEEDED,
        rail=Rail.MPESA_STK,
    ),
)
DOCUMENT = Document("paper_receipt", receipt_of(ORDER, MAMA.name, MAMA, ORDER.created_at))


@pytest.mark.parametrize(("language", "day"), [("en", "21 Nov 2026, 00:30"), ("sw", "21 Nov 2026"), ("pt", "2026")])
def test_it_is_kept_so_its_day_has_a_year(language: str, day: str) -> None:
    assert any(day in line for line in paper_of(DOCUMENT, language)["lines"])


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        ("en", ["Receipt, order CDFGHJ", "KES 185", "M-Pesa", "SJK4H7L2QW"]),
        ("sw", ["Risiti, oda CDFGHJ", "Ksh 185", "M-Pesa", "SJK4H7L2QW"]),
        ("pt", ["Recibo, pedido CDFGHJ", "185", "M-Pesa", "SJK4H7L2QW"]),
    ],
)
def test_it_says_shop_code_lines_total_proof_and_local_time_in_the_customers_language(
    language: str, wanted: list[str]
) -> None:
    lines = paper_of(DOCUMENT, language)["lines"]
    assert lines[0] == MAMA.name
    whole = "\n".join(lines)
    assert all(part in whole for part in [*wanted, "2 × Milk", "Bread"])
    assert "00:30" in whole, f"the day after, in Nairobi: {PAID_AT.astimezone(ZoneInfo(MAMA.timezone))}"


@pytest.mark.parametrize("language", ["en", "sw", "pt"])
def test_it_is_a_whole_pdf_of_one_small_page(language: str) -> None:
    pdf = laid_out(paper_of(DOCUMENT, language))
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    assert len(pdf) < 10_000


def test_a_cart_of_a_hundred_lines_still_becomes_paper() -> None:
    many = ORDER.model_copy(update={"lines": [ORDER.lines[0].model_copy(update={"line_no": n}) for n in range(100)]})
    document = Document("paper_receipt", receipt_of(many, MAMA.name, MAMA, ORDER.created_at))
    assert laid_out(paper_of(document, "en")).startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("text", "printed"),
    [("Café – 5 €", "Café - 5 ?"), ("Pão de São Tomé", "Pão de São Tomé"), ("★ 🛒", "? ?"), ("“so”…", '"so"...')],
)
def test_what_the_font_lacks_is_written_another_way(text: str, printed: str) -> None:
    assert printable(text) == printed


@pytest.fixture
def proving(any_bot: BotUnderTest) -> BotUnderTest:
    """Answers everything with a receipt on paper. On both databases."""

    def step(state: State, event: Event, now: datetime) -> Step:
        del event, now
        params = {**DOCUMENT.params, "spare": ()}
        return Step(state, reply=Reply("receipt", params, document=DOCUMENT))

    return BotUnderTest(any_bot.db, any_bot.clock, step=step, render=render)


def test_it_is_fetched_under_its_token_as_what_it_is_and_for_a_day(proving: BotUnderTest) -> None:
    proving.hears("my receipt please")
    proving.work()
    (posted,) = proving.messenger.taken
    assert posted.message.kind is Kind.DOCUMENT
    assert posted.media_url is not None
    path = posted.media_url.removeprefix(PUBLIC_URL)
    assert path.endswith(".pdf")
    answer = proving.client.get(path)
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF-")
    assert proving.client.get(path.removesuffix("pdf") + "png").status_code == 404
    proving.clock.advance(timedelta(hours=24))
    assert proving.client.get(path).status_code == 404


def test_where_paper_is_refused_the_text_follows(proving: BotUnderTest) -> None:
    proving.messenger.next.append((Refused("answered 400", 63019), False))
    proving.hears("my receipt please")
    proving.work()
    (posted,) = proving.messenger.taken
    assert posted.message.kind is Kind.TEXT
    assert "SJK4H7L2QW" in posted.body


@pytest.mark.parametrize("language", ["en", "sw", "pt"])
def test_no_mark_of_the_chats_emphasis_is_printed(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[str] = []

    def keep(_pdf: FPDF, _width: float, _height: float, line: str, **_how: object) -> None:
        printed.append(line)

    monkeypatch.setattr(FPDF, "multi_cell", keep)
    laid_out(paper_of(DOCUMENT, language))
    assert any("SJK4H7L2QW" in line for line in printed)
    assert not [line for line in printed if "*" in line]
