"""Chat turns: how many a second can be held, and how long a customer waits at 20 and at 50 a second, beside the naive
shop.

A turn is `ADD <n>`: the signed webhook is stored, the router adds to the order, the reply is handed to Twilio."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.load import Bot, Message, Outcome, Twilio, at_a_rate, one_after_another, signed_messages
from benchmarks.measure import console, cpu_s, median, quantile_ms, show
from benchmarks.shops import Running, engine, naive_shop, real_shop
from tests.support.processes import free_ports

CUSTOMERS = 16
ROUNDS = 3
TURNS_A_ROUND = 40
RATES_PER_S = (20.0, 50.0)
RATE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Figures:
    held: list[Outcome]
    cpu_ms_a_turn: list[float]
    paced: list[tuple[Outcome, float]]
    """By `RATES_PER_S`, each with its processor time in milliseconds a turn."""


def addresses(count: int, first: int = 0) -> list[str]:
    return [f"whatsapp:+2547000{first + n:05}" for n in range(count)]


async def _prepare(bot: Bot, twilio: Twilio, who: Sequence[str], opening: Sequence[str]) -> None:
    for text in opening:
        outcome = await one_after_another(bot, twilio, [signed_messages(bot, who, text)])
        if outcome.lost:
            raise RuntimeError(f"no reply to {text!r} for {outcome.lost} customers")


async def _held(running: Running, twilio: Twilio, who: Sequence[str]) -> tuple[Outcome, float]:
    rounds: list[list[Message]] = [
        signed_messages(running.bot, who, f"ADD {1 + turn % 6}") for turn in range(TURNS_A_ROUND)
    ]
    pids = running.pids()
    before = cpu_s(pids)
    outcome = await one_after_another(running.bot, twilio, rounds)
    return outcome, (cpu_s(pids) - before) * 1000 / outcome.turns


async def _paced(running: Running, twilio: Twilio, who: Sequence[str], per_s: float) -> tuple[Outcome, float]:
    count = int(per_s * RATE_SECONDS)
    messages = [signed_messages(running.bot, [who[n % len(who)]], f"ADD {1 + n % 6}")[0] for n in range(count)]
    pids = running.pids()
    before = cpu_s(pids)
    outcome = await at_a_rate(running.bot, twilio, messages, per_s)
    return outcome, (cpu_s(pids) - before) * 1000 / outcome.turns


async def _compare(real: Running, naive: Running, twilio: Twilio) -> tuple[Figures, Figures]:
    """Each round of one is followed by the same of the other, so that a slow moment of the machine meets both."""
    who = addresses(CUSTOMERS)
    shops = {"real": real, "naive": naive}
    await _prepare(real.bot, twilio, who, ("SHOP mama", "MENU", "ADD 1"))
    await _prepare(naive.bot, twilio, who, ("ADD 1", "ADD 2"))
    held: dict[str, list[tuple[Outcome, float]]] = {name: [] for name in shops}
    paced: dict[str, list[tuple[Outcome, float]]] = {name: [] for name in shops}
    for _ in range(ROUNDS):
        for name, shop in shops.items():
            held[name].append(await _held(shop, twilio, who))
    for per_s in RATES_PER_S:
        for name, shop in shops.items():
            paced[name].append(await _paced(shop, twilio, who, per_s))
    ours, theirs = (
        Figures([outcome for outcome, _ in held[name]], [cpu for _, cpu in held[name]], paced[name]) for name in shops
    )
    return ours, theirs


def _held_row(name: str, figures: Figures) -> list[str]:
    return [
        name,
        f"{median([outcome.per_s for outcome in figures.held]):.0f}",
        f"{median([quantile_ms(outcome.waits_s, 0.5) for outcome in figures.held]):.1f}",
        f"{median([quantile_ms(outcome.waits_s, 0.99) for outcome in figures.held]):.1f}",
        f"{median(figures.cpu_ms_a_turn):.2f}",
        str(sum(outcome.lost for outcome in figures.held)),
    ]


def _paced_rows(name: str, figures: Figures) -> list[list[str]]:
    return [
        [
            f"{name}, {per_s:.0f} a second",
            f"{outcome.per_s:.0f}",
            f"{quantile_ms(outcome.waits_s, 0.5):.1f}",
            f"{quantile_ms(outcome.waits_s, 0.99):.1f}",
            f"{cpu_ms:.2f}",
            str(outcome.lost),
        ]
        for per_s, (outcome, cpu_ms) in zip(RATES_PER_S, figures.paced, strict=True)
    ]


async def _run(engine_name: str) -> None:
    sink_port = free_ports(1)[0]
    twilio = Twilio()
    sink = await twilio.start(sink_port)
    with (
        engine(engine_name) as server,
        real_shop(server, sink_port) as (real, _),
        naive_shop(server, sink_port) as naive,
    ):
        ours, theirs = await _compare(real, naive, twilio)
    sink.close()
    show(
        f"Chat turns on {engine_name}: {CUSTOMERS} customers at once, and paced",
        ("", "turns/s", "p50 ms", "p99 ms", "CPU ms/turn", "lost"),
        (
            _held_row("dukani, most", ours),
            _held_row("naive, most", theirs),
            *_paced_rows("dukani", ours),
            *_paced_rows("naive", theirs),
        ),
    )
    ratio = median([a.per_s / b.per_s for a, b in zip(ours.held, theirs.held, strict=True)])
    console.print(f"turns/s, dukani to naive: {ratio:.2f}")


def run(engine_name: str) -> None:
    asyncio.run(_run(engine_name))
