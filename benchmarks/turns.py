"""Chat turns: how many a second can be held, and how long a customer waits at 20 a second, beside the naive shop.

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
RATE_PER_S = 20.0
RATE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Figures:
    held: list[Outcome]
    cpu_ms_a_turn: list[float]
    paced: Outcome


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


async def _paced(running: Running, twilio: Twilio, who: Sequence[str]) -> Outcome:
    count = int(RATE_PER_S * RATE_SECONDS)
    messages = [signed_messages(running.bot, [who[n % len(who)]], f"ADD {1 + n % 6}")[0] for n in range(count)]
    return await at_a_rate(running.bot, twilio, messages, RATE_PER_S)


async def _compare(real: Running, naive: Running, twilio: Twilio) -> tuple[Figures, Figures]:
    who = addresses(CUSTOMERS)
    await _prepare(real.bot, twilio, who, ("SHOP mama", "MENU", "ADD 1"))
    await _prepare(naive.bot, twilio, who, ("ADD 1", "ADD 2"))
    held: dict[str, list[tuple[Outcome, float]]] = {"real": [], "naive": []}
    for _ in range(ROUNDS):  # in turn, so that a slow moment of the machine meets both
        held["real"].append(await _held(real, twilio, who))
        held["naive"].append(await _held(naive, twilio, who))
    paced_real = await _paced(real, twilio, who)
    paced_naive = await _paced(naive, twilio, who)
    return (
        Figures([o for o, _ in held["real"]], [c for _, c in held["real"]], paced_real),
        Figures([o for o, _ in held["naive"]], [c for _, c in held["naive"]], paced_naive),
    )


def _row(name: str, figures: Figures) -> list[str]:
    return [
        name,
        f"{median([outcome.per_s for outcome in figures.held]):.0f}",
        f"{median([quantile_ms(outcome.waits_s, 0.5) for outcome in figures.held]):.1f}",
        f"{median([quantile_ms(outcome.waits_s, 0.99) for outcome in figures.held]):.1f}",
        f"{median(figures.cpu_ms_a_turn):.2f}",
        f"{quantile_ms(figures.paced.waits_s, 0.5):.1f}",
        f"{quantile_ms(figures.paced.waits_s, 0.99):.1f}",
        str(sum(outcome.lost for outcome in figures.held) + figures.paced.lost),
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
        f"Chat turns on {engine_name}: {CUSTOMERS} customers one after another; then {RATE_PER_S:.0f} a second",
        ("", "turns/s", "p50 ms", "p99 ms", "CPU ms/turn", "p50 at 20/s", "p99 at 20/s", "lost"),
        (_row("dukani", ours), _row("naive", theirs)),
    )
    ratio = median([a.per_s / b.per_s for a, b in zip(ours.held, theirs.held, strict=True)])
    console.print(f"turns/s, dukani to naive: {ratio:.2f}")


def run(engine_name: str) -> None:
    asyncio.run(_run(engine_name))
