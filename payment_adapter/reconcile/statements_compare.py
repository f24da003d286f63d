"""Puts every line of a statement, and every charge of its period, into one bucket.

A line is matched by the provider's id; else by our reference, where amount, time and number agree and no other line or
charge would fit as well. Amount, number and time alone are only ever a suggestion to a person, and money of which that
can be suggested is not taken for money paid by hand, either."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from payment_adapter.reconcile.statements_formats import Statement
from payment_adapter.reconcile.statements_lines import Kind
from payment_adapter.reconcile.statements_ours import Books
from payment_adapter.reconcile.statements_scratch import Action, Bucket, Scratch, Side

Heard = Callable[[str, int], None]
"""Called now and then with what is being done and how much of it is."""

_BATCH = 500
_EARLY_S = 120
"""The clocks of two companies differ: a payment may seem to precede its push by so much."""
_LATE_S = 15 * 60
"""So long after its push a payment can still be of that push; prompts live a minute or two."""

T = TypeVar("T")


def spool(statement: Statement, scratch: Scratch, heard: Heard) -> None:
    """Lay out the lines."""
    count = 0
    for batch in _batches(statement.lines):
        scratch.add_lines(batch)
        count += len(batch)
        heard("lines read", count)


def span(scratch: Scratch) -> tuple[int, int] | None:
    """Seconds of the epoch of the first and the last line; None without lines."""
    first, last = scratch.one("SELECT min(at_s), max(at_s) FROM lines")
    return None if first is None else (first, last)


def compare(scratch: Scratch, books: Books, heard: Heard) -> None:
    """Give everything its bucket. The lines are laid out before."""
    count = 0
    for source in (books.charges(), books.by_hand()):
        for batch in _batches(source):
            scratch.add_ours(batch)
            count += len(batch)
            heard("payments of ours read", count)
    _sort_by_kind(scratch)
    _find_known(scratch, books, heard)
    _pair_by_id(scratch, books)
    _pair_by_reference(scratch, books)
    _suggest(scratch)
    _leave_lines(scratch, books)
    _leave_ours(scratch, books)


def _sort_by_kind(scratch: Scratch) -> None:
    """What needs no look at our side: no payments, repeated lines, reversals and what they take back."""
    scratch.do(
        "UPDATE lines SET bucket = ? WHERE bucket IS NULL AND kind IN (?, ?)",
        (Bucket.IGNORED, Kind.OUTGOING, Kind.NOTHING),
    )
    scratch.do(
        """
        UPDATE lines SET bucket = :ignored, note = 'the same again as in line ' || first.number
        FROM (
          SELECT receipt, amount, min(id) AS id, min(number) AS number FROM lines
          WHERE bucket IS NULL GROUP BY receipt, amount HAVING count(*) > 1
        ) AS first
        WHERE lines.bucket IS NULL AND lines.receipt = first.receipt AND lines.amount = first.amount
          AND lines.id > first.id
        """,
        {"ignored": Bucket.IGNORED},
    )
    scratch.do(
        """
        UPDATE lines SET bucket = :differs, note = 'the statement itself gives two amounts for this receipt'
        FROM (
          SELECT receipt FROM lines WHERE bucket IS NULL AND kind IN (:payment, :income)
          GROUP BY receipt HAVING count(*) > 1
        ) AS doubted
        WHERE lines.bucket IS NULL AND lines.kind IN (:payment, :income) AND lines.receipt = doubted.receipt
        """,
        {"differs": Bucket.AMOUNT_DIFFERS, "payment": Kind.PAYMENT, "income": Kind.INCOME},
    )
    scratch.do(
        "UPDATE lines SET bucket = ?, note = CASE WHEN amount < 0 THEN 'takes back ' || linked ELSE note END "
        "WHERE bucket IS NULL AND kind = ?",
        (Bucket.REVERSED, Kind.REVERSAL),
    )
    scratch.do(
        """
        UPDATE lines SET
          bucket = CASE WHEN lines.amount <= back.amount THEN :reversed END,
          note = CASE WHEN lines.amount <= back.amount THEN 'taken back in line ' ELSE :partly END || back.number
        FROM (
          SELECT linked, -sum(amount) AS amount, min(number) AS number FROM lines
          WHERE bucket = :reversed AND amount < 0 GROUP BY linked
        ) AS back
        WHERE lines.bucket IS NULL AND lines.receipt = back.linked
        """,
        {"reversed": Bucket.REVERSED, "partly": _PARTLY},
    )


_PARTLY = "partly taken back in line "


def _find_known(scratch: Scratch, books: Books, heard: Heard) -> None:
    """Ask for what bears the ids of lines but lies outside the period. Another shop's payments are marked."""
    count, last = 0, 0
    while batch := list(scratch.ask(_UNFOUND, (Bucket.AMOUNT_DIFFERS, Bucket.REVERSED, last, _BATCH))):
        last = batch[-1][0]
        ours, foreign = books.known(sorted({each[1] for each in batch}), sorted({each[2] for each in batch if each[2]}))
        scratch.add_ours(ours)
        for line, receipt, _ in batch:
            if receipt in foreign:
                scratch.do(
                    "UPDATE lines SET bucket = ?, note = ? WHERE id = ?", (Bucket.MISSING_HERE, ANOTHER_SHOPS, line)
                )
        count += len(batch)
        heard("lines looked up", count)
    # Daraja may tell of a push's money as if it had been paid by hand, too: it is one payment.
    scratch.do(
        "DELETE FROM ours WHERE side = ? AND receipt IN (SELECT receipt FROM ours WHERE side = ?)",
        (Side.BY_HAND, Side.CHARGE),
    )


_UNFOUND = """
SELECT id, receipt, same_reference FROM lines
WHERE (bucket IS NULL OR bucket IN (?, ?)) AND amount > 0 AND id > ?
  AND NOT EXISTS (SELECT 1 FROM ours WHERE ours.receipt = lines.receipt)
ORDER BY id LIMIT ?
"""
ANOTHER_SHOPS = "a payment to another shop here"


def _pair_by_id(scratch: Scratch, books: Books) -> None:
    """By receipt or the provider's id, else by our own reference, which no other charge has."""
    for condition in _SAME_ID:
        scratch.do("DELETE FROM pairs")
        scratch.do(
            f"""
            INSERT INTO pairs SELECT min(l.id), o.id, 0 FROM lines l JOIN ours o ON {condition}
            WHERE l.ours IS NULL AND o.is_paired = 0 AND l.amount > 0 AND l.kind IN (:payment, :income)
              AND (l.bucket IS NULL OR l.bucket IN (:differs, :reversed))
            GROUP BY o.id
            """,  # noqa: S608 - one of three constants
            {
                "payment": Kind.PAYMENT,
                "income": Kind.INCOME,
                "differs": Bucket.AMOUNT_DIFFERS,
                "reversed": Bucket.REVERSED,
            },
        )
        _settle_pairs(scratch, books)


_SAME_ID = (
    "o.receipt = l.receipt",
    "o.transaction_id = l.receipt",
    "o.our_reference <> '' AND o.our_reference = l.same_reference",
)


def _pair_by_reference(scratch: Scratch, books: Books) -> None:
    """By the account number: one line, one charge, the same amount, minutes after its push. What is paired is out of
    the question for the others, so that it is asked again until nothing is left: the next comparison, after these were
    applied, would find no more."""
    while _pair_some_by_reference(scratch, books):
        pass


def _pair_some_by_reference(scratch: Scratch, books: Books) -> bool:
    scratch.do("DELETE FROM pairs")
    scratch.do(f"INSERT INTO pairs {_CANDIDATES} AND l.same_reference = o.same_reference", _WINDOW)
    scratch.do(
        """
        DELETE FROM pairs WHERE
          (SELECT count(*) FROM pairs q WHERE q.ours = pairs.ours) > 1
          OR is_open = 0 AND (SELECT count(*) FROM pairs q WHERE q.line = pairs.line) > 1
          OR is_open = 1 AND (SELECT count(*) FROM pairs q WHERE q.line = pairs.line AND q.is_open = 1) > 1
        """
    )
    (found,) = scratch.one("SELECT count(*) FROM pairs")
    _settle_pairs(scratch, books)
    return found > 0


_CANDIDATES = """
SELECT l.id, o.id, o.status NOT IN ('failed', 'expired')
FROM lines l JOIN ours o ON o.amount = l.amount AND o.pushed_s BETWEEN l.at_s - :late_s AND l.at_s + :early_s
WHERE l.bucket IS NULL AND l.kind = :payment AND o.side = :charge AND o.receipt IS NULL AND o.is_paired = 0
  AND may_be_the_same(l.phone, o.phone)
"""
_WINDOW = {"late_s": _LATE_S, "early_s": _EARLY_S, "payment": Kind.PAYMENT, "charge": Side.CHARGE}


def _settle_pairs(scratch: Scratch, books: Books) -> None:
    """Join the pairs that were found; what was in a bucket already stays there. M-Pesa's payments have receipts, which
    a charge that was paid by a query's word still lacks."""
    scratch.do(
        """
        UPDATE lines SET
          ours = o.id,
          bucket = coalesce(lines.bucket, CASE
            WHEN o.amount <> lines.amount THEN :differs WHEN o.is_paid THEN :matched ELSE :missing END),
          action = CASE WHEN lines.bucket IS NULL AND o.side = :charge
            AND (NOT o.is_paid OR (o.receipt IS NULL AND :has_receipts)) AND lines.note NOT LIKE :partly || '%'
            THEN :pay END
        FROM pairs p JOIN ours o ON o.id = p.ours WHERE p.line = lines.id
        """,
        {
            "differs": Bucket.AMOUNT_DIFFERS,
            "matched": Bucket.MATCHED,
            "missing": Bucket.MISSING_HERE,
            "charge": Side.CHARGE,
            "pay": Action.PAY,
            "partly": _PARTLY,
            "has_receipts": books.layout.provider == "mpesa",
        },
    )
    scratch.do("UPDATE ours SET is_paired = 1 WHERE id IN (SELECT ours FROM pairs)")


def _suggest(scratch: Scratch) -> None:
    """Remark on a line what it might be, and leave it to a person."""
    scratch.do("DELETE FROM pairs")
    scratch.do(
        f"INSERT INTO pairs {_CANDIDATES} AND l.same_reference IN ('', o.same_reference)",
        _WINDOW,
    )
    scratch.do(
        """
        UPDATE lines SET bucket = :missing,
          note = 'perhaps of order ' || found.orders || ': the amount and the time fit; a person must decide'
        FROM (
          SELECT p.line, group_concat(DISTINCT o.reference) AS orders FROM pairs p JOIN ours o ON o.id = p.ours
          GROUP BY p.line
        ) AS found
        WHERE lines.id = found.line
        """,
        {"missing": Bucket.MISSING_HERE},
    )


def _leave_lines(scratch: Scratch, books: Books) -> None:
    """Lines that nothing of ours fits."""
    period = books.period
    scratch.do(
        "UPDATE lines SET bucket = ?, note = 'before or after the time that was asked for' "
        "WHERE bucket IS NULL AND NOT (at_s >= ? AND at_s < ?)",
        (Bucket.IGNORED, int(period.start.timestamp()), int(period.end.timestamp())),
    )
    can_be_by_hand = books.layout.provider == "mpesa"
    scratch.do(
        "UPDATE lines SET bucket = ?, action = ?, note = coalesce(nullif(note, ''), ?) "
        "WHERE bucket IS NULL AND kind = ? AND note = ''",
        (
            Bucket.MISSING_HERE,
            Action.ANNOUNCE if can_be_by_hand else None,
            "paid by hand" if can_be_by_hand else "asked for by somebody else: no charge here has its reference",
            Kind.PAYMENT,
        ),
    )
    scratch.do(
        "UPDATE lines SET bucket = ?, note = note || ?  WHERE bucket IS NULL AND kind = ?",
        (Bucket.MISSING_HERE, ": by its words no customer's payment", Kind.INCOME),
    )
    scratch.do("UPDATE lines SET bucket = ? WHERE bucket IS NULL", (Bucket.MISSING_HERE,))


def _leave_ours(scratch: Scratch, books: Books) -> None:
    """What no line was found for. Nothing is decided by that: a statement may have gaps."""
    scratch.do("DELETE FROM ours WHERE is_paired = 0 AND is_of_period = 0")
    scratch.do(
        """
        UPDATE ours SET
          bucket = CASE WHEN is_paid THEN :there WHEN status IN ('failed', 'expired') THEN :not_paid ELSE :open END,
          note = CASE WHEN is_paid AND is_told_late AND pushed_s < :start THEN :before
            WHEN is_paid OR status IN ('failed', 'expired') OR is_asked THEN '' ELSE :given_up END
        WHERE is_paired = 0
        """,
        {
            "there": Bucket.MISSING_THERE,
            "not_paid": Bucket.NOT_PAID,
            "open": Bucket.OPEN,
            "start": int(books.period.start.timestamp()),
            "given_up": "the provider is not asked about it any more",
            "before": "asked for before this time: look in the statement before this one, too",
        },
    )


def _batches(source: Iterable[T]) -> Iterator[list[T]]:
    walk = iter(source)
    while batch := list(islice(walk, _BATCH)):
        yield batch
