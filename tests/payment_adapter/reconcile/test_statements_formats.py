"""A statement is read as a portal, Excel or a mail program left it, and a broken line stops no other."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payment_adapter.reconcile.statements_formats import Format, recognise
from payment_adapter.reconcile.statements_lines import Kind, Line, Unreadable
from payment_adapter.reconcile.statements_text import Source, StatementUnusable
from tests.support.statements import (
    DAY_FIRST,
    MASKED,
    NOON,
    ORG_HEADING,
    YEAR_FIRST,
    Row,
    appypay,
    c2b,
    org,
    org_cells,
    table,
)

ROWS = (
    Row("UKK1AAAAA1", 125_050_00, NOON, "K7M3QD"),
    Row("UKK1AAAAA2", -50_00, NOON + timedelta(minutes=1), reason="Organization Settle to Bank", other="KCB, Nairobi"),
)


def read(file: Path, wanted: Format | None = None) -> list[Line | Unreadable]:
    with Source(file) as source:
        return list(recognise(source, wanted).lines)


def written(folder: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    file = folder / "statement"
    file.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return file


def good(lines: list[Line | Unreadable]) -> list[str]:
    return [line.receipt for line in lines if isinstance(line, Line)]


def bad(lines: list[Line | Unreadable]) -> list[tuple[int, str]]:
    return [(line.number, line.why) for line in lines if isinstance(line, Unreadable)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("dates", [DAY_FIRST, YEAR_FIRST])
def test_the_portal_s_export_is_read_however_it_was_saved(
    tmp_path: Path, encoding: str, delimiter: str, end: str, dates: str
) -> None:
    text = org(ROWS, dates=dates, delimiter=delimiter, end=end).replace("AMINA", "ZOÉ")
    payment, withdrawal = read(written(tmp_path, text, encoding))
    assert payment == Line(
        number=6,
        kind=Kind.PAYMENT,
        receipt="UKK1AAAAA1",
        at=NOON,
        amount_minor=125_050_00,
        reference="K7M3QD",
        phone=MASKED,
        payer_name="ZOÉ",
    )
    assert isinstance(withdrawal, Line)
    assert (withdrawal.number, withdrawal.kind, withdrawal.amount_minor) == (7, Kind.OUTGOING, -50_00)


def test_the_short_code_above_the_table_is_heard(tmp_path: Path) -> None:
    with Source(written(tmp_path, org(ROWS))) as source:
        assert recognise(source).shortcodes == {"174379"}


@pytest.mark.parametrize(
    ("above", "shortcodes"),
    [
        ("Paybill,556677", {"556677"}),
        ("Till Number: 5566778", {"5566778"}),
        ("ORGANISATION: 600001 - MAMA", {"600001"}),
        ("Organization Name,Mama Njeri P.O. Box 00100", set[str]()),
        ("Printed 20112026", set[str]()),
    ],
)
def test_only_what_is_called_a_short_code_is_one(tmp_path: Path, above: str, shortcodes: set[str]) -> None:
    text = above + "\n" + table([ORG_HEADING, org_cells(ROWS[0])])
    with Source(written(tmp_path, text)) as source:
        assert recognise(source).shortcodes == shortcodes


def test_the_older_table_is_read_too(tmp_path: Path) -> None:
    heading = "Receipt,Date,Details,Status,Withdrawn,Paid In,Balance,Balance Confirmed,Transaction Type,"
    row = "UKK1AAAAA1,2026-11-20 12:00:00,,Completed,,450.00,520499,true,Pay Utility,0708374149 - AMINA,K7M3QD"
    (line,) = read(written(tmp_path, f"{heading}Other Party Info,Transaction Party Details\n{row}\n"))
    assert isinstance(line, Line)
    assert (line.kind, line.amount_minor, line.reference, line.phone) == (
        Kind.PAYMENT,
        45_000,
        "K7M3QD",
        "254708374149",
    )


def test_what_the_columns_lack_is_found_in_the_details(tmp_path: Path) -> None:
    details = "Pay Bill Online from 254708374149 - AMINA JUMA Acc. K7M3QD"
    cells = org_cells(Row("UKK1AAAAA1", 45_000, details=details, other=""))
    (line,) = read(written(tmp_path, table([ORG_HEADING, cells])))
    assert isinstance(line, Line)
    assert (line.reference, line.phone, line.payer_name) == ("K7M3QD", "254708374149", "AMINA JUMA")


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (Row("UKK1AAAAA1", 45_000, reason="Pay Bill"), Kind.PAYMENT),
        (Row("UKK1AAAAA1", 45_000, reason="PayBill_STK"), Kind.PAYMENT),
        (Row("UKK1AAAAA1", 45_000, reason="Pay Utility"), Kind.PAYMENT),
        (Row("UKK1AAAAA1", 45_000, reason="Customer Buy Goods Online"), Kind.PAYMENT),
        (Row("UKK1AAAAA1", 45_000, reason="Pay Merchant"), Kind.PAYMENT),
        (Row("UKK1AAAAA1", 45_000, reason="", details="Customer Payment from AMINA"), Kind.PAYMENT),
        (Row("UKK1AAAAA1", 45_000, reason="Organization Settlement"), Kind.INCOME),
        (Row("UKK1AAAAA1", 45_000, reason="Something new", details="Pay Bill"), Kind.INCOME),
        (Row("UKK1AAAAA1", -45_000, reason="Pay Bill Reversal"), Kind.REVERSAL),
        (Row("UKK1AAAAA1", 45_000, reason="Business Payment Reversal"), Kind.REVERSAL),
        (Row("UKK1AAAAA1", -45_000, reason="Business Payment to Customer"), Kind.OUTGOING),
        (Row("UKK1AAAAA1", 45_000, status="Cancelled"), Kind.NOTHING),
        (Row("UKK1AAAAA1", 45_000, status=""), Kind.NOTHING),
    ],
)
def test_a_line_is_what_its_words_say(tmp_path: Path, row: Row, kind: Kind) -> None:
    (line,) = read(written(tmp_path, org([row])))
    assert isinstance(line, Line)
    assert line.kind is kind


def test_what_a_reversal_takes_back_is_read_from_its_column_or_its_details(tmp_path: Path) -> None:
    lines = read(
        written(
            tmp_path,
            org(
                [
                    Row("UKK1AAAAA7", -1, reason="Reversal", linked="UKK1AAAAA1"),
                    Row("UKK1AAAAA8", -1, reason="Reversal", details="Pay Bill Reversal of UKK1AAAAA2 by till"),
                    Row("UKK1AAAAA9", -1, reason="Reversal", details="Reversal", other=""),
                ]
            ),
        )
    )
    assert [line.linked for line in lines if isinstance(line, Line)] == ["UKK1AAAAA1", "UKK1AAAAA2", "UKK1AAAAA9"]


def test_broken_lines_are_listed_by_number_and_the_others_are_read(tmp_path: Path) -> None:
    first, *others = org([Row(f"UKK1AAAAA{number}", 45_000) for number in range(7)]).split("\r\n")[4:-1]
    broken = [
        first,
        others[0],
        others[1].replace("450.00", "4.5.0"),  # line 3
        others[2],
        '"' + others[3],  # line 5
        others[4].replace(",450.00,", ",1,450.00,"),  # line 6
        "",
        "Total,,,,,,,,",  # line 8
        others[5].replace("20-11-2026", "11-20-2026"),  # line 9
        "x" * 70_000,  # line 10
        others[6],
        others[6][:50],  # line 12: the file ends here
    ]
    lines = read(written(tmp_path, "\r\n".join(broken)))
    assert good(lines) == ["UKK1AAAAA0", "UKK1AAAAA2", "UKK1AAAAA6"]
    assert [(number, next(word for word in _WORDS if word in why)) for number, why in bad(lines)] == [
        (3, "no amount"),
        (5, "never closed"),
        (6, "not within quotes"),
        (8, "is no receipt number"),
        (9, "the day stands before the month"),
        (10, "too long"),
        (12, "ends in the middle"),
    ]


_WORDS = (
    "no amount",
    "never closed",
    "not within quotes",
    "is no receipt number",
    "the day stands before the month",
    "too long",
    "ends in the middle",
)


def test_a_cell_may_go_on_over_lines(tmp_path: Path) -> None:
    rows = [Row("UKK1AAAAA1", 45_000, details="Pay Bill\nfrom AMINA"), Row("UKK1AAAAA2", 45_000)]
    lines = read(written(tmp_path, org(rows)))
    assert [line.number for line in lines] == [6, 8]
    assert good(lines) == ["UKK1AAAAA1", "UKK1AAAAA2"]


def test_files_that_were_joined_are_read_as_one(tmp_path: Path) -> None:
    parts = [table([ORG_HEADING, org_cells(Row(receipt, 45_000))]) for receipt in ("UKK1AAAAA1", "UKK1AAAAA2")]
    lines = read(written(tmp_path, "".join(parts)))
    assert (good(lines), bad(lines)) == (["UKK1AAAAA1", "UKK1AAAAA2"], [])


def test_a_row_in_another_currency_is_not_read(tmp_path: Path) -> None:
    ((_, why),) = bad(read(written(tmp_path, org([Row("UKK1AAAAA1", 1)]).replace("KES", "USD"))))
    assert "USD" in why


def test_a_list_of_confirmations_is_read(tmp_path: Path) -> None:
    with Source(written(tmp_path, c2b([Row("UKK1AAAAA1", 45_000, account="K7M3QD")], shortcode="600001"))) as source:
        statement = recognise(source)
        (line,) = statement.lines
        assert statement.layout.format is Format.MPESA_C2B
        assert statement.shortcodes == {"600001"}
    assert line == Line(
        number=2,
        kind=Kind.PAYMENT,
        receipt="UKK1AAAAA1",
        at=NOON,
        amount_minor=45_000,
        reference="K7M3QD",
        phone="2547*****149",
        payer_name="AMINA JUMA",
    )


def test_the_pull_api_s_names_are_known(tmp_path: Path) -> None:
    text = "transactionId,trxDate,msisdn,sender,transactiontype,billreference,amount,organizationname\r\n"
    text += "UKK1AAAAA1,2026-11-20T09:00:00Z,254708374149,AMINA,c2b-pay-bill-debit,K7M3QD,450.00,Mama\r\n"
    (line,) = read(written(tmp_path, text))
    assert isinstance(line, Line)
    assert (line.receipt, line.at, line.amount_minor, line.reference) == ("UKK1AAAAA1", NOON, 45_000, "K7M3QD")


@pytest.mark.parametrize("joined", ["", "\n"])
def test_a_list_of_payments_is_read_page_by_page(tmp_path: Path, joined: str) -> None:
    pages = [
        appypay(
            [Row(f"id-{page}-{number}", 1_500_050 + number, account=f"OURS{page}{number:03}") for number in range(300)]
        )
        for page in range(3)
    ]
    lines = read(written(tmp_path, joined.join(pages)))
    assert len(good(lines)) == len(set(good(lines))) == 900
    first = lines[0]
    assert isinstance(first, Line)
    assert (first.kind, first.receipt, first.amount_minor, first.reference, first.at) == (
        Kind.PAYMENT,
        "id-0-0",
        1_500_050,
        "OURS0000",
        NOON,
    )


def test_a_list_of_payments_on_one_line_or_without_its_page_is_read(tmp_path: Path) -> None:
    page = appypay([Row(f"id-{number}", 50_000, account="OURS") for number in range(900)]).replace("\n", "")
    assert len(page) > 200_000
    assert len(good(read(written(tmp_path, page)))) == 900
    start, end = page.index("["), page.rindex("]") + 1
    assert len(good(read(written(tmp_path, page[start:end] + "\n" + page[start:end])))) == 1800


def test_where_a_list_of_payments_is_cut_off_is_said(tmp_path: Path) -> None:
    page = appypay([Row(f"id-{number}", 50_000, account="OURS") for number in range(3)])
    lines = read(written(tmp_path, page[: page.rindex("AOA")]))
    assert good(lines) == ["id-0", "id-1"]
    ((number, why),) = bad(lines)
    assert "cut off" in why
    assert page.splitlines()[number - 1].strip() == "{"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"status": "Pending"}, Kind.NOTHING),
        ({"status": "Failed"}, Kind.NOTHING),
        ({"type": "Refund"}, Kind.REVERSAL),
        ({"status": "success"}, Kind.PAYMENT),
    ],
)
def test_only_a_payment_that_succeeded_is_one(tmp_path: Path, changes: dict[str, object], kind: Kind) -> None:
    (line,) = read(written(tmp_path, appypay([Row("id-1", 50_000, account="OURS")], **changes)))
    assert isinstance(line, Line)
    assert line.kind is kind


def test_a_list_of_payments_may_be_a_table(tmp_path: Path) -> None:
    text = "id;merchantTransactionId;amount;currency;status;createdDate;updatedDate\n"
    text += "id-1;OURS;15000.50;AOA;Success;2026-11-20T10:00:00;2026-11-20T10:00:00\n"
    text += "id-2;OURS;15000.50;USD;Success;2026-11-20T10:00:00;2026-11-20T10:00:00\n"
    lines = read(written(tmp_path, text))
    assert good(lines) == ["id-1"]
    assert [number for number, _ in bad(lines)] == [3]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"  \r\n ", "empty"),
        (b"PK\x03\x04rest", "save it as CSV"),
        (b"\xd0\xcf\x11\xe0rest", "save it as CSV"),
        (b"%PDF-1.7", "download the statement as CSV"),
        (b"\x1f\x8b\x08", "unpack"),
        (b"Name,Phone\nAmina,1\n", "Receipt No."),
        (b"Receipt No.,Completion Time\nUKK1AAAAA1,x\n", "Paid In"),
        (b"\n" * 500, "empty"),
    ],
)
def test_a_file_that_is_no_statement_says_what_to_do(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(StatementUnusable, match=says):
        read(written(tmp_path, content))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([org(ROWS), c2b(ROWS), appypay([Row("id-1", 50_000, account="OURS")] * 3)]),
    st.sampled_from(["utf-8", "utf-16"]),
    st.integers(0, 5000),
    st.integers(0, 60),
    st.binary(max_size=20),
)
def test_a_file_that_was_damaged_anywhere_is_read_or_refused_and_never_breaks(
    text: str, encoding: str, place: int, length: int, damage: bytes
) -> None:
    whole = text.encode(encoding)
    place %= len(whole)
    with TemporaryDirectory() as folder:
        file = written(Path(folder), whole[:place] + damage + whole[place + length :])
        said = ""
        lines: list[Line | Unreadable] = []
        try:
            lines = read(file)
        except StatementUnusable as error:
            said = str(error)
    assert len(lines) < 30
    assert not said or said.endswith(".")


def test_another_format_than_was_said_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StatementUnusable, match="TransID"):
        read(written(tmp_path, org(ROWS)), Format.MPESA_C2B)
    with pytest.raises(StatementUnusable, match="JSON"):
        read(written(tmp_path, appypay([])), Format.MPESA_ORG)
    with pytest.raises(StatementUnusable, match="can't be opened"):
        read(tmp_path / "missing")
