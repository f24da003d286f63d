"""A customer asks for a person of the shop: the bot falls silent and says until when, and money is never swallowed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.conversation.model import AskForPerson, JoinAlerts, LeaveAlerts, Pay, ReturnToBot
from bot.conversation.options import bot as back_button
from bot.conversation.options import show_menu
from bot.conversation.state import OtherQuestion
from contracts.chat_api import AlertKind, AlertNews, ChatMode
from contracts.errors import ErrorCode, ProblemBody
from contracts.events import EventType
from contracts.money import Currency
from tests.support.chat import Chat
from tests.support.fake_people import CODE

BOT_AGAIN = {"en": "I answer for *Mama Njeri", "sw": "Sasa najibu tena", "pt": "Volto a responder"}
"""Below the first answer after the silence."""


@pytest.fixture
def staffed(confirmed: Chat) -> Chat:
    """Two milk ordered, from a shop where people answer."""
    confirmed.router.people.are_there = True
    return confirmed


@pytest.fixture
def waiting(staffed: Chat) -> Chat:
    assert staffed.says("PERSON").key == "person_asked"
    return staffed


# --- asking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    ["PERSON", "talk", "human", "I want to talk to the shop", "can I talk to a person?", "MTU", "ongea na duka",
     "nataka kuongea na mtu", "PESSOA", "falar com a loja", "quero falar com uma pessoa, por favor"],
)  # fmt: skip
def test_who_wants_a_person_is_told_until_when_the_bot_is_quiet(staffed: Chat, words: str) -> None:
    answer = staffed.says(words)
    assert answer.key == "person_asked"
    assert "14:30" in answer.text  # two hours on, in the shop's zone
    (asked,) = answer.commands
    assert isinstance(asked, AskForPerson)
    assert asked.about in ("", words, words.rstrip("?"), "quero falar com uma pessoa, por favor")


def test_what_is_written_with_it_goes_along(staffed: Chat) -> None:
    (asked,) = staffed.says("I need to speak to someone about the rotten tomatoes").commands
    assert isinstance(asked, AskForPerson)
    assert "rotten tomatoes" in asked.about


def test_a_shop_without_people_in_the_chat_says_so(confirmed: Chat) -> None:
    answer = confirmed.says("PERSON")
    assert answer.key == "human_asked"
    assert confirmed.says("cart").key != "our_mistake"  # and the bot goes on


@pytest.mark.parametrize("words", ["are you a robot?", "wewe ni roboti?", "és um robô?"])
def test_who_asks_whether_this_is_a_robot_is_told_so_and_how_to_reach_a_person(staffed: Chat, words: str) -> None:
    answer = staffed.says(words)
    assert (answer.key, answer.commands) == ("person_offered", ())
    assert staffed.taps(staffed.replies[-1].options[0].payload).key == "person_asked"


def test_after_stop_nobody_of_the_shop_is_asked_for_nothing(staffed: Chat) -> None:
    staffed.says("STOP")
    answer = staffed.says("PERSON")
    assert (answer.key, answer.commands) == ("person_needs_start", ())


def test_a_refusal_that_means_something_else_is_said_as_everywhere(staffed: Chat) -> None:
    staffed.router.refuse_next = ProblemBody(title="", status=429, code=ErrorCode.TOO_MANY_REQUESTS)
    assert staffed.says("PERSON").key == "too_many_requests"


# --- the silence -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    ["Are the tomatoes fresh?", "2", "menu", "add 3 milk", "yes", "confirm", "thanks", "hello", "where is my order?",
     "I have paid", "0708374149", "talk to a person", "shop is closed today?", "habari", "bom dia", "I will pay later"],
)  # fmt: skip
def test_what_is_meant_for_the_person_is_not_answered(waiting: Chat, words: str) -> None:
    waiting.says_unanswered(words)


def test_pictures_and_pins_are_for_the_person(waiting: Chat) -> None:
    waiting.says_unanswered("", media=("image",))
    waiting.says_unanswered("", media=("location",))
    waiting.says_unanswered("Menu", payload=show_menu("vendor-mama").payload)


@pytest.mark.parametrize("words", ["PAY", "lipa", "PAGAR", "pay CODE"])
def test_pay_is_never_swallowed(waiting: Chat, words: str) -> None:
    answer = waiting.says(words.replace("CODE", waiting.router.latest().code))
    assert [type(command).__name__ for command in answer.commands] == ["Pay", "StartCharge"]
    waiting.says_unanswered("so, when does it come?")


def test_the_pay_button_is_never_swallowed(confirmed: Chat) -> None:
    (button, *_) = confirmed.replies[-1].options
    confirmed.router.people.are_there = True
    confirmed.says("PERSON")
    assert any(isinstance(command, Pay) for command in confirmed.taps(button.payload, "Pay").commands)


def test_which_order_to_pay_is_asked_and_answered_in_the_silence(staffed: Chat) -> None:
    older, _ = staffed.confirms_two()
    staffed.says("PERSON")
    staffed.says_unanswered("2")
    assert older in staffed.says("PAY").text
    assert any(isinstance(command, Pay) for command in staffed.says("2").commands)


def test_a_number_for_the_person_pays_for_nothing(staffed: Chat) -> None:
    staffed.confirms_two()
    staffed.says("PAY")
    staffed.hears(staffed.router.people.take())
    staffed.says_unanswered("1")


def test_a_question_of_the_bot_is_for_the_next_message_alone(staffed: Chat) -> None:
    staffed.confirms_two()
    staffed.says("PERSON")
    staffed.says("PAY")
    staffed.says_unanswered("wait, are they fresh?")
    staffed.says_unanswered("2")
    staffed.says("PAY")
    staffed.hears(staffed.router.people.write("How many shall I keep?"))
    staffed.says_unanswered("2")


def test_a_yes_pays_for_somebody_else_only_where_the_bot_has_just_asked(staffed: Chat) -> None:
    staffed.says("PERSON")
    question = OtherQuestion("vendor-mama", "BCDFGH", staffed.now)
    staffed.state = replace(staffed.state, other_question=question)
    staffed.says_unanswered("are they fresh?")
    staffed.says_unanswered("yes")
    staffed.state = replace(staffed.state, other_question=question)
    (command, *_) = staffed.says("YES").commands
    assert command == Pay("vendor-mama", "BCDFGH", is_for_other=True)


def test_the_number_to_charge_is_asked_for_and_taken_in_the_silence(staffed: Chat) -> None:
    staffed.own_msisdn = staffed.router.own_msisdn = None
    staffed.says("PERSON")
    assert "number" in staffed.says("PAY").text
    assert staffed.says("0708374149").commands


@pytest.mark.parametrize("words", ["STATUS", "hali", "ESTADO", "status CODE"])
def test_status_is_answered_in_the_silence(waiting: Chat, words: str) -> None:
    answer = waiting.says(words.replace("CODE", waiting.router.latest().code))
    assert waiting.router.latest().code in answer.text


def test_stop_and_start_come_first_of_all(waiting: Chat) -> None:
    assert waiting.says("STOP").key == "stopped"
    assert waiting.says("START").key == "started"
    waiting.says_unanswered("are you there?")


def test_receipts_go_out_in_the_silence(waiting: Chat) -> None:
    waiting.says("PAY")
    told = waiting.hears(waiting.router.is_paid(waiting.router.latest().code))
    assert told is not None
    assert "Paid" in told


# --- the bot again ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["BOT", "robot", "ROBOTI", "roboti", "ROBÔ", "robo"])
def test_bot_brings_it_back(waiting: Chat, words: str) -> None:
    answer = waiting.says(words)
    assert answer.key == "bot_returned"
    assert answer.commands == (ReturnToBot("vendor-mama"),)
    assert waiting.hears(waiting.router.people.give_back("customer")) is None
    assert waiting.says("menu").key == "menu"


def test_the_button_brings_it_back(waiting: Chat) -> None:
    assert back_button("vendor-mama") in waiting.replies[-1].options
    assert waiting.taps(back_button("vendor-mama").payload).key == "bot_returned"


def test_bot_is_asked_for_even_where_it_answers_anyway(in_shop: Chat) -> None:
    assert in_shop.says("BOT").commands == (ReturnToBot("vendor-mama"),)


@pytest.mark.parametrize(("language", "hello"), [("en", "hello"), ("sw", "habari yako"), ("pt", "bom dia")])
def test_when_the_time_is_over_the_bot_answers_and_says_so_once(waiting: Chat, language: str, hello: str) -> None:
    waiting.says_unanswered(hello)
    waiting.waits(timedelta(hours=2))
    word = {"en": "MENU", "sw": "BIDHAA", "pt": "MENU"}[language]
    back = waiting.says({"en": "english", "sw": "kiswahili", "pt": "português"}[language])
    assert BOT_AGAIN[language] in back.text
    assert waiting.says(word).key == "menu"
    assert all(below.key != "bot_back" for below in waiting.replies[-1].postscript)
    assert waiting.hears(waiting.router.people.give_back("timer")) is None  # it was said


@pytest.mark.parametrize("by", ["shop", "timer"])
def test_given_back_by_the_shop_or_by_time_is_said_once(waiting: Chat, by: str) -> None:
    told = waiting.hears(waiting.router.people.give_back(by))
    assert told is not None
    assert BOT_AGAIN["en"] in told
    assert waiting.hears(waiting.router.people.give_back(by)) is None
    assert waiting.says("menu").key == "menu"


# --- news of people --------------------------------------------------------------------------------------------------


def test_a_person_who_takes_the_conversation_is_announced_once(waiting: Chat) -> None:
    told = waiting.hears(waiting.router.people.take())
    assert told is not None
    assert "A person at *Mama Njeri*" in told
    assert waiting.hears(waiting.router.people.take()) is None
    waiting.says_unanswered("great, are they fresh?")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("english", "*Wanjiru* of *Mama Njeri* answers"),
        ("kiswahili", "*Wanjiru* wa *Mama Njeri* anakujibu"),
        ("português", "*Wanjiru*, de *Mama Njeri*, responde"),
    ],
)
def test_a_person_who_takes_the_conversation_is_called_by_name_where_they_said_it(
    waiting: Chat, language: str, told: str
) -> None:
    waiting.says("BOT")
    waiting.says(language)
    assert told in (waiting.hears(waiting.router.people.take(by="Wanjiru")) or "")
    assert waiting.hears(waiting.router.people.take(by="Wanjiru")) is None
    assert waiting.hears(waiting.router.people.take()) is None  # still she, as far as is known


def test_another_person_who_takes_over_is_announced_by_their_name(waiting: Chat) -> None:
    waiting.hears(waiting.router.people.write("One moment", by="Wanjiru"))
    assert "*Otieno* of" in (waiting.hears(waiting.router.people.take(by="Otieno")) or "")


def test_who_asks_for_a_person_while_one_answers_reads_who_it_is(waiting: Chat) -> None:
    waiting.hears(waiting.router.people.take(by="Wan*jiru*\n"))
    waiting.says("SHOP kamau")
    assert "*Wan∗jiru∗* of *Mama Njeri" in waiting.says("SHOP mama").text


def test_what_a_person_writes_goes_out_with_their_name_and_lines(waiting: Chat) -> None:
    told = waiting.hears(waiting.router.people.write("Yes, *fresh* today.\n\nShall I keep   two?"))
    assert told == "*Wanjiru, Mama Njeri:*\nYes, ∗fresh∗ today.\n\nShall I keep two?"
    waiting.says_unanswered("yes please")


def test_a_person_without_a_name_writes_as_the_shop(waiting: Chat) -> None:
    told = waiting.hears(waiting.router.people.write("Good morning", by=""))
    assert told == "*Mama Njeri:*\nGood morning"


def test_a_person_may_write_though_nobody_asked_and_the_customer_hears_how_to_get_the_bot(confirmed: Chat) -> None:
    told = confirmed.hears(confirmed.router.people.write("Your milk is here"))
    assert told is not None
    assert "*BOT*" in told
    confirmed.says_unanswered("coming!")
    again = confirmed.hears(confirmed.router.people.write("See you"))
    assert again is not None
    assert "*BOT*" not in again


@pytest.mark.parametrize("length", [1400, 1560, 1590, 1600])
def test_not_a_word_of_a_person_is_cut_off(confirmed: Chat, length: int) -> None:
    words = "w" * length
    told = confirmed.hears(confirmed.router.people.write(words))
    assert told is not None
    assert words in told
    assert len(told) <= 1600


def test_news_that_a_later_word_has_overtaken_changes_nothing(waiting: Chat) -> None:
    taken, written = waiting.router.people.take(), waiting.router.people.write("One moment")
    waiting.says("BOT")
    assert waiting.hears(taken) is None
    told = waiting.hears(written)  # it was written, so it is sent
    assert told is not None
    assert "One moment" in told
    assert waiting.says("menu").key == "menu"


def test_an_old_end_does_not_end_a_new_silence(waiting: Chat) -> None:
    ended = waiting.router.people.give_back("shop")
    waiting.says("BOT")
    waiting.says("PERSON")
    assert waiting.hears(ended) is None
    waiting.says_unanswered("hello?")


def test_after_stop_only_what_a_person_wrote_is_worded_and_the_shop_hears_that_it_is_held(waiting: Chat) -> None:
    waiting.says("STOP")
    assert waiting.hears(waiting.router.people.take()) is None
    assert waiting.hears(waiting.router.people.write("Hello?")) is not None  # not an answer: the sender holds it


@pytest.mark.parametrize("kind", [EventType.CHAT_TAKEN, EventType.CHAT_STAFF_MESSAGE, EventType.SHOP_ALERT])
def test_news_that_can_not_be_read_is_not_told(in_shop: Chat, kind: EventType) -> None:
    assert in_shop.hears(in_shop.router.people.event(kind, {"text": 7})) is None


# --- other shops -----------------------------------------------------------------------------------------------------


def test_the_silence_of_one_shop_holds_in_no_other(waiting: Chat) -> None:
    gone = waiting.says("SHOP kamau")
    assert gone.key == "shop_entered"
    assert "At *Mama Njeri" in gone.text
    assert waiting.says("menu").key == "menu"
    assert waiting.replies[-1].postscript == ()
    back = waiting.says("SHOP mama")
    assert "what you write here is for them" in back.text
    waiting.says_unanswered("hello?")


def test_a_shop_can_be_picked_from_the_list_in_the_silence(waiting: Chat) -> None:
    assert waiting.says("SHOP").key == "shops"
    assert waiting.says("2").key == "shop_entered"


def test_who_is_elsewhere_hears_how_to_answer_a_person(waiting: Chat) -> None:
    waiting.says("SHOP kamau")
    told = waiting.hears(waiting.router.people.write("We have big ones, too"))
    assert told is not None
    assert "*SHOP MAMA*" in told
    assert waiting.says("menu").key == "menu"


# --- alerts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["ALERTS", "alerts", "Arifa", "ALERTAS"])
def test_who_writes_the_word_of_an_invitation_joins(in_shop: Chat, word: str) -> None:
    answer = in_shop.says(f"{word} {CODE}")
    assert answer.key == "alerts_joined"
    assert answer.commands == (JoinAlerts("vendor-mama", CODE),)


def test_a_word_that_was_used_opens_nothing(in_shop: Chat) -> None:
    assert in_shop.says("ALERTS BCDFGH").key == "alerts_unknown"
    assert in_shop.says("ALERTS").key == "alerts_how"


@pytest.mark.parametrize("words", ["ALERTS OFF", "zima arifa", "SEM ALERTAS"])
def test_alerts_end_when_somebody_says_so(in_shop: Chat, words: str) -> None:
    assert in_shop.says(words).commands == (LeaveAlerts("vendor-mama"),)


@pytest.mark.parametrize("kind", list(AlertKind))
def test_an_alert_says_what_happened_and_to_whom(in_shop: Chat, kind: AlertKind) -> None:
    alert = AlertNews(
        alert=kind,
        customer_address="whatsapp:+254700000009",
        shop_name="Mama Njeri",
        about_address="whatsapp:+254708374149",
        about_name="Achieng" if kind is AlertKind.PERSON_WAITING else "",
        order_code="CDFGHJ",
        amount_minor=12000,
        currency=Currency.KES,
        text="2 × Fresh milk",
    )
    told = in_shop.hears(in_shop.router.people.event(EventType.SHOP_ALERT, alert.model_dump(mode="json")))
    assert told is not None
    assert "Mama Njeri" in told
    assert "254708374149" not in told
    wanted = {
        AlertKind.ORDER_PAID: ("CDFGHJ", "KES 120", "2 × Fresh milk", "2547…149"),
        AlertKind.PERSON_WAITING: ("Achieng", "2 × Fresh milk"),
        AlertKind.UNDELIVERED: ("2547…149", "2 × Fresh milk"),
        AlertKind.MONEY_SET_ASIDE: ("KES 120", "CDFGHJ"),
        AlertKind.MONEY_CLAIMED: ("KES 120", "2547…149", "CDFGHJ", "2 × Fresh milk"),
    }[kind]
    assert all(word in told for word in wanted)


def test_a_handover_is_over_when_its_time_is(waiting: Chat) -> None:
    handover = waiting.state.handover("vendor-mama")
    assert handover is not None
    assert handover.mode is ChatMode.WAITING
    assert handover.is_mute(waiting.now)
    assert not handover.is_mute(waiting.now + timedelta(hours=2))
