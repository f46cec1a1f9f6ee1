"""What is not certain is not named, and what cannot be read is never guessed, and never lost in silence."""

import os
from pathlib import Path
from unittest.mock import patch

import pytest
from audited import OURS, REPLIES, SENT, TEXT, audit, audit_rows, write

PHONE = "+14155550123"
BEFORE = "2026-03-01T10:00:00Z"


def sent(at: str, id_: str, phone: str = PHONE) -> list[str]:
    return [phone, at, OURS, "news", id_, TEXT, "sent"]


def reply(at: str, text: str = "STOP", phone: str = PHONE) -> list[str]:
    return [phone, at, OURS, text, "r", ""]


def named(folder: Path, stop: str, *late: str, options: tuple[str, ...] = ()) -> list[str]:
    """Return the times of messages that are named after a STOP."""
    found = audit_rows(folder, [sent(BEFORE, "first"), *(sent(at, at) for at in late)], [reply(stop)], *options)
    return found.ids()


def test_a_message_in_the_second_of_a_reply_without_fractions_is_not_named(tmp_path: Path) -> None:
    within, after = "2026-03-01T11:00:00.500Z", "2026-03-01T11:00:01Z"
    assert named(tmp_path, "2026-03-01T11:00:00Z", within, after) == [after]


def test_a_message_in_the_minute_of_a_reply_without_seconds_is_not_named(tmp_path: Path) -> None:
    within, after = "2026-03-01T11:00:40Z", "2026-03-01T11:01:00Z"
    for written in ("2026-03-01 11:00", "2026-03-01T11:00+00:00", "2026-03-01T12:00+01:00"):
        assert named(tmp_path, written, within, after) == [after], written
    assert named(tmp_path, "2026-03-01 11:00:00", within) == [within]


def test_a_minute_of_a_format_of_ones_own_is_as_uncertain(tmp_path: Path) -> None:
    within, after = "01.03.2026 11:00", "01.03.2026 11:01"
    options = ("--time-format", "%d.%m.%Y %H:%M")
    found = audit_rows(
        tmp_path, [sent("01.03.2026 10:00", "a"), sent(within, "b"), sent(after, "c")], [reply(within)], *options
    )
    assert found.ids() == ["c"]


def test_in_an_hour_that_occurs_twice_the_order_is_not_known(tmp_path: Path) -> None:
    """On 1 November 2026 the clocks of New York show every time from 1:00 to 1:59 twice."""
    options = ("--zone", "America/New_York")
    later, after = "2026-11-01 01:45:00", "2026-11-01 02:00:00"
    assert named(tmp_path, "2026-11-01 01:30:00", later, after, options=options) == [after]
    with_offset = "2026-11-01T01:45:00-04:00"
    assert named(tmp_path, "2026-11-01T01:30:00-04:00", with_offset, options=options) == [with_offset]


@pytest.mark.parametrize(
    "written", ["11/12/2026 10:00", "29/11/2026 17:45", "11/29/2026 5:45 PM", "1.77236E+09", "1,77E+12"]
)
def test_a_time_that_may_be_another_is_asked_for(written: str, tmp_path: Path) -> None:
    found = audit_rows(tmp_path, [sent(BEFORE, "first"), sent(written, "late")], [reply("2026-03-01T11:00:00Z")])
    (bad,) = found.summary["bad_rows_named"]
    assert (bad["row"], found.code) == (3, 2)
    assert "--time-format" in bad["reason"] or "as text" in bad["reason"]


def test_milliseconds_that_look_like_a_year_are_milliseconds(tmp_path: Path) -> None:
    assert named(tmp_path, "1772362800000", "1703111230500", "1772366400000") == ["1772366400000"]


@pytest.mark.parametrize("written", ["1.4155E+10", "1,4155E+10", "1.41555501E10"])
def test_a_number_that_a_spreadsheet_has_rounded_is_not_one(written: str, tmp_path: Path) -> None:
    found = audit_rows(tmp_path, [sent(BEFORE, "x", phone=written)], [reply(BEFORE, phone=written)], "--country", "US")
    assert [each["reason"] for each in found.summary["bad_rows_named"]] == [
        "the phone: a spreadsheet has rounded it: export the column as text"
    ] * 2


def test_an_apostrophe_that_makes_a_number_a_text_is_not_part_of_it(tmp_path: Path) -> None:
    found = audit_rows(tmp_path, [sent("2026-03-01T12:00:00Z", "x", phone=f"'{PHONE}")], [reply(BEFORE)])
    assert found.ids() == ["x"]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (f'{PHONE},2026-03-01T11:00:00Z,"never closed\n{PHONE},2026-03-01T12:00:00Z,STOP\n', 2),
        (f'{PHONE},2026-03-01T11:00:00Z,hi\n{PHONE},2026-03-01T12:00:00Z,"she said "STOP" twice"\n', 3),
    ],
)
def test_a_quote_swallows_no_rows(rows: str, line: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replies = tmp_path / "r.csv"
    replies.write_text(f"from,date,text\n{rows}")
    messages = write(tmp_path / "s.csv", SENT, [sent(BEFORE, "a")])
    assert audit(tmp_path, "--sent", str(messages), "--replies", str(replies)).code == 2
    assert f"r.csv, line {line}: a quote is left open" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["replies", "messages"])
def test_where_there_is_nothing_to_judge_it_does_not_say_that_all_is_well(
    missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messages, replies = [sent(BEFORE, "a")], [reply("2026-03-01T11:00:00Z")]
    found = audit_rows(
        tmp_path, [] if missing == "messages" else messages, [] if missing == "replies" else replies, "--skip-bad-rows"
    )
    assert found.code == 2
    assert f"no {missing} were read" in found.page
    assert "No message went to anybody" not in found.page
    assert f"no {missing} were read: nothing can be said" in capsys.readouterr().out


def test_the_report_says_of_which_time_messages_and_replies_are(tmp_path: Path) -> None:
    found = audit_rows(
        tmp_path, [sent(BEFORE, "a")], [reply("2026-02-01T11:00:00Z", "hi"), reply("2026-02-07T11:00:00Z", "ok")]
    )
    assert found.summary["time_of_messages"] == {"from": "2026-03-01T10:00:00+00:00", "to": "2026-03-01T10:00:00+00:00"}
    assert found.summary["time_of_replies"]["to"] == "2026-02-07T11:00:00+00:00"
    assert "messages of 2026-03-01 to 2026-03-01, replies of 2026-02-01 to 2026-02-07" in found.page


def test_what_excel_writes_before_the_first_row_is_not_a_row(tmp_path: Path) -> None:
    messages = tmp_path / "s.csv"
    lines = ("sep=;", "", "to;date", f"{PHONE};2026-03-01T12:00:00Z", "12;2026-03-01T12:00:00Z")
    messages.write_text("\r\n".join(lines), encoding="utf-16")
    replies = write(tmp_path / "r.csv", REPLIES, [reply(BEFORE)])
    found = audit(tmp_path, "--sent", str(messages), "--replies", str(replies))
    assert [each["sent_row"] for each in found.findings] == ["4"]
    assert [each["row"] for each in found.summary["bad_rows_named"]] == [5]


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0"])
def test_a_workbook_is_not_read_as_a_csv(start: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sent.csv"
    path.write_bytes(start + b"\x00" * 100)
    assert audit(tmp_path, "--sent", str(path)).code == 2
    assert "export it as CSV, or unpack it" in capsys.readouterr().err


def test_the_names_of_columns_cannot_move_a_terminals_cursor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sent.csv"
    path.write_text("\x1b[2Jto\x07,b\n1,2\n")
    assert audit(tmp_path, "--sent", str(path)).code == 2
    assert "\x1b" not in (said := capsys.readouterr().err)
    assert "[2Jto, b" in said


def test_a_pipe_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read, written = os.pipe()
    os.close(written)
    assert audit(tmp_path, "--sent", f"/dev/fd/{read}").code == 2
    os.close(read)
    assert "write it to a file first" in capsys.readouterr().err


def test_a_name_of_a_file_and_a_text_may_be_any_bytes(tmp_path: Path) -> None:
    messages = Path(os.fsdecode(os.fsencode(tmp_path) + b"/gr\xfcn.csv"))
    write(messages, SENT, [sent("2026-03-01T12:00:00Z", "x")])
    replies = write(tmp_path / "r.csv", REPLIES, [reply(BEFORE)])
    found = audit(tmp_path, "--sent", str(messages), "--replies", str(replies))
    assert (found.code, found.findings[0]["sent_in"]) == (1, "gr\\udcfcn.csv")


def test_a_full_disk_is_named_and_no_file_of_the_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with patch("harness.audit.spill.marshal.dump", side_effect=OSError(28, "No space left on device")):
        assert audit_rows(tmp_path, [sent(BEFORE, "a")], [reply(BEFORE)]).code == 2
    said = capsys.readouterr().err
    assert "the temporary folder" in said
    assert "TMPDIR names another one" in said
    assert "sent.csv" not in said


def test_a_report_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    with patch("harness.audit.report.FindingsWriter.write", side_effect=KeyboardInterrupt):
        assert audit_rows(tmp_path, [sent("2026-03-01T12:00:00Z", "x")], [reply(BEFORE)]).code == 130
    assert list((tmp_path / "report").iterdir()) == []


def test_consent_that_was_given_elsewhere_ends_the_opt_outs_before_it(tmp_path: Path) -> None:
    messages = [sent(f"2026-03-01T1{hour}:00:00Z", f"at {hour}") for hour in range(8)]
    replies = [reply("2026-03-01T11:30:00Z"), [*reply("2026-03-01T15:30:00Z")[:4], "again", ""]]
    consents = write(
        tmp_path / "c.csv", ("Phone", "Opted in at"), [[PHONE, "2026-03-01T13:30:00Z"], ["+14155550199", BEFORE]]
    )
    found = audit_rows(tmp_path, messages, replies, "--opt-ins", str(consents))
    assert found.ids() == ["at 2", "at 3", "at 6", "at 7"]
    assert found.summary["opt_ins_given_elsewhere"] == 2
    assert "opt-ins given elsewhere" in found.page


def test_consent_counts_for_all_lists_and_for_a_held_reply(tmp_path: Path) -> None:
    at = "2026-03-01T12:00:00Z"
    consents = write(tmp_path / "c.csv", ("phone", "date"), [[PHONE, "2026-03-01T11:30:00Z"]])
    for said in ("STOP ALL", "wrong number"):
        found = audit_rows(
            tmp_path,
            [sent(BEFORE, "a"), sent(at, "b")],
            [reply("2026-03-01T11:00:00Z", said)],
            "--opt-ins",
            str(consents),
        )
        assert found.findings == []


def test_consent_before_the_stop_or_in_its_second_ends_nothing(tmp_path: Path) -> None:
    messages = [sent(BEFORE, "a"), sent("2026-03-01T12:00:00Z", "b")]
    for at in ("2026-03-01T10:30:00Z", "2026-03-01T11:00:00Z"):
        consents = write(
            tmp_path / "c.csv", ("phone", "consented_at"), [[PHONE, at], ["1.4E+10", at], [PHONE, "2026-03-01"]]
        )
        found = audit_rows(tmp_path, messages, [reply("2026-03-01T11:00:00Z")], "--opt-ins", str(consents))
        assert found.ids() == ["b"]
        assert [each["row"] for each in found.summary["bad_rows_named"]] == [3, 4]
