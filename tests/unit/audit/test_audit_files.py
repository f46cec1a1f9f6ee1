"""Files as people have them: encodings, zones, national numbers, odd columns; every row that is not used is named."""

import json
from pathlib import Path

import pytest
from audited import OURS, REPLIES, SENT, TEXT, audit, audit_rows, write

PHONE = "+14155550123"
BEFORE, STOPPED, AFTER = "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z"


def sent(at: str, id_: str, phone: str = PHONE, list_name: str = "news", status: str = "sent") -> list[str]:
    return [phone, at, OURS, list_name, id_, TEXT, status]


def reply(at: str = STOPPED, text: str = "STOP", phone: str = PHONE, to: str = OURS, row_id: str = "r") -> list[str]:
    return [phone, at, to, text, row_id, ""]


MESSAGES = [sent(BEFORE, "first"), sent(AFTER, "late")]


def test_a_message_after_a_stop_is_named_with_the_reply_and_the_rule(tmp_path: Path) -> None:
    found = audit_rows(tmp_path, MESSAGES, [reply()])
    (finding,) = found.findings
    wanted = {
        "kind": "opted_out", "phone": PHONE, "message_id": "late", "seconds_after_reply": "3600", "reply": "STOP",
        "rule": "STOP", "reason": "keyword", "scope": "list", "attribution": "last_message", "sent_in": "sent.csv",
        "sent_row": "3", "reply_in": "replies.csv", "reply_row": "2", "list": "news",
    }  # fmt: skip
    assert {name: finding[name] for name in wanted} == wanted
    assert found.code == 1


def test_nothing_to_find_is_exit_code_0(tmp_path: Path) -> None:
    assert audit_rows(tmp_path, MESSAGES, [reply(text="thanks")]).code == 0
    assert audit_rows(tmp_path, MESSAGES, [reply(at="2026-03-02T11:00:00Z")]).code == 0


def test_a_message_in_the_same_second_as_the_reply_is_not_one(tmp_path: Path) -> None:
    found = audit_rows(tmp_path, [sent(BEFORE, "first"), sent(STOPPED, "same"), sent(AFTER, "late")], [reply()])
    assert found.ids() == ["late"]


def test_a_reply_before_the_first_message_stops_all_lists(tmp_path: Path) -> None:
    found = audit_rows(tmp_path, [sent(AFTER, "a"), sent(AFTER, "b", list_name="club")], [reply()])
    assert sorted(found.ids()) == ["a", "b"]
    assert {each["scope"] for each in found.findings} == {"account"}


def test_a_reply_that_names_an_old_message_is_about_that_ones_list(tmp_path: Path) -> None:
    """Older than the attribution window, and not the last message of its number: the gateway says what is answered."""
    messages = [
        sent("2026-01-01T10:00:00Z", "old"),
        sent(BEFORE, "recent", list_name="club"),
        sent(AFTER, "late"),
        sent(AFTER, "of-the-club", list_name="club"),
    ]
    found = audit_rows(tmp_path, messages, [[*reply()[:5], "old"]])
    assert [(each["message_id"], each["attribution"]) for each in found.findings] == [("late", "replied_message")]


def test_held_replies_are_apart_and_count_only_where_that_is_asked_for(tmp_path: Path) -> None:
    held = [reply(text="wrong number, this is not Maria")]
    found = audit_rows(tmp_path, MESSAGES, held)
    assert (found.code, found.ids(), found.ids("held")) == (0, [], ["late"])
    assert found.summary["held_for_review"]["messages"] == 1
    assert audit_rows(tmp_path, MESSAGES, held, "--fail-on-held").code == 1


def test_what_did_not_arrive_is_apart(tmp_path: Path) -> None:
    found = audit_rows(tmp_path, [sent(BEFORE, "first"), sent(AFTER, "late", status="Undelivered")], [reply()])
    assert (found.code, found.ids(), found.ids("not_delivered")) == (0, [], ["late"])


def test_a_start_ends_what_a_stop_began(tmp_path: Path) -> None:
    replies = [reply(), reply("2026-03-01T13:00:00Z", "START", row_id="s")]
    found = audit_rows(tmp_path, [*MESSAGES, sent("2026-03-01T14:00:00Z", "welcome")], replies)
    assert found.ids() == ["late"]


def test_a_message_without_a_list_is_forbidden_by_the_lists_of_its_number(tmp_path: Path) -> None:
    messages = [sent(BEFORE, "first"), sent(AFTER, "single", list_name="")]
    assert audit_rows(tmp_path, messages, [reply()]).ids() == ["single"]
    other = [sent(BEFORE, "first"), [PHONE, AFTER, "+18335550199", "", "single", TEXT, "sent"]]
    assert audit_rows(tmp_path, other, [reply()]).ids() == []


def test_without_lists_a_stop_counts_for_all_or_for_one_number(tmp_path: Path) -> None:
    messages = [sent(BEFORE, "first", list_name=""), [PHONE, AFTER, "+18335550199", "", "other", TEXT, "sent"]]
    assert audit_rows(tmp_path, messages, [reply()]).ids() == ["other"]
    assert audit_rows(tmp_path, messages, [reply()], "--list-per-sender").ids() == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_file_is_read_in_any_usual_encoding(encoding: str, tmp_path: Path) -> None:
    messages = write(tmp_path / "s.csv", SENT, [[*row[:3], "Größe", *row[4:]] for row in MESSAGES], encoding)
    replies = write(tmp_path / "r.csv", REPLIES, [reply(text="ARRÊT")], encoding)
    found = audit(tmp_path, "--sent", str(messages), "--replies", str(replies), "--pack", "fr")
    assert [(each["list"], each["reply"]) for each in found.findings] == [("Größe", "ARRÊT")]


def test_semicolons_quotes_and_lines_within_a_text_are_read(tmp_path: Path) -> None:
    messages, replies = tmp_path / "s.csv", tmp_path / "r.csv"
    messages.write_text(f'to;date;text\n{PHONE};{BEFORE};"a; ""b""\nc"\n{PHONE};{AFTER};"d"\n')
    replies.write_text(f'from\tdate\ttext\n{PHONE}\t{STOPPED}\t"STOP\nSent from my phone"\n')
    found = audit(tmp_path, "--sent", str(messages), "--replies", str(replies))
    assert [(each["sent_row"], each["text"]) for each in found.findings] == [("3", "d")]


@pytest.mark.parametrize(
    ("stopped", "late"),
    [
        ("1772362800", "1772366400"),
        ("1772362800000", "1772366400000"),
        ("Sun, 01 Mar 2026 11:00:00 +0000", "Sun, 01 Mar 2026 12:00:00 +0000"),
        ("2026-03-01 13:00:00+02:00", "2026-03-01T04:00:00-08:00"),
        ("2026-03-01 12:00:00", "2026-03-01 13:00:00"),
        ("20260301120000", "20260301130000"),
    ],
)
def test_times_are_read_with_a_zone_or_in_the_one_that_is_named(stopped: str, late: str, tmp_path: Path) -> None:
    found = audit_rows(
        tmp_path, [sent(BEFORE, "first"), sent(late, "late")], [reply(stopped)], "--zone", "Europe/Paris"
    )
    assert [(each["sent_at"], each["replied_at"]) for each in found.findings] == [
        ("2026-03-01T12:00:00+00:00", "2026-03-01T11:00:00+00:00")
    ]


def test_times_in_a_format_of_their_own_are_read(tmp_path: Path) -> None:
    options = ("--time-format", "%d.%m.%Y %H:%M", "--zone", "Europe/Berlin")
    found = audit_rows(tmp_path, [sent("01.03.2026 12:30", "late")], [reply("01.03.2026 12:00")], *options)
    assert [each["sent_at"] for each in found.findings] == ["2026-03-01T11:30:00+00:00"]


def test_national_numbers_are_of_the_country_that_is_named(tmp_path: Path) -> None:
    messages = [sent(AFTER, "late", phone="(415) 555-0123")]
    found = audit_rows(tmp_path, messages, [reply(phone="4155550123")], "--country", "us")
    assert [each["phone"] for each in found.findings] == [PHONE]
    found = audit_rows(tmp_path, messages, [reply()])
    assert found.code == 2
    assert "--country says of which country" in found.summary["bad_rows_named"][0]["reason"]


def test_of_two_who_may_have_written_the_one_that_was_sent_to_counts(tmp_path: Path) -> None:
    """3125550100 is a number of Amsterdam with its country code, and one of Chicago without."""
    dutch, american = "+3125550100", "+13125550100"
    messages = [sent(BEFORE, "n1", phone=dutch), sent(AFTER, "n2", phone=dutch), sent(AFTER, "a1", phone=american)]
    found = audit_rows(tmp_path, messages, [reply(phone="3125550100")], "--country", "US")
    assert set(found.ids()) <= {"n2"}
    both = [sent(AFTER, "n2", phone=dutch), sent(AFTER, "a1", phone=american)]
    assert "a1" in audit_rows(tmp_path, both, [reply(phone="3125550100")], "--country", "US").ids()


def test_every_row_that_cannot_be_used_is_named_by_its_number(tmp_path: Path) -> None:
    messages = [
        sent(BEFORE, "first"),
        sent("yesterday", "x"),
        sent(AFTER, "y", phone="12"),
        [PHONE, AFTER],
        [*sent(AFTER, "z"), "more"],
        sent("2026-03-01", "w"),
        sent("", "v"),
        sent("0001-01-01T00:00:00Z", "u"),
        [],
        sent(AFTER, "late"),
    ]
    found = audit_rows(tmp_path, messages, [reply(text="thanks")])
    named = {each["row"]: each["reason"] for each in found.summary["bad_rows_named"]}
    assert list(named) == [3, 4, 5, 6, 7, 8, 9]
    for row, why in (
        (3, "not a time"), (4, "phone"), (5, "2 cells"), (6, "needs quotes"), (7, "not a time"), (8, "no time"),
        (9, "between 1995 and 2100"),
    ):  # fmt: skip
        assert why in named[row]
    assert (found.code, found.summary["messages"], found.summary["bad_rows"]) == (2, 2, 7)
    assert audit_rows(tmp_path, messages, [reply(text="thanks")], "--skip-bad-rows").code == 0
    assert audit_rows(tmp_path, messages, [reply()]).code == 1
    assert "needs quotes" in found.page


def test_a_file_that_overlaps_with_another_counts_once(tmp_path: Path) -> None:
    files = [str(write(tmp_path / name, SENT, MESSAGES)) for name in ("a.csv", "b.csv")]
    replies = str(write(tmp_path / "r.csv", REPLIES, [reply(), reply()]))
    found = audit(tmp_path, "--sent", files[0], "--sent", files[1], "--replies", replies)
    assert found.ids() == ["late"]
    assert found.summary["repeated_rows"] == 3


def test_one_file_with_both_directions_and_names_of_its_own_is_read(tmp_path: Path) -> None:
    rows = [
        ["outbound-api", OURS, PHONE, BEFORE, "hi", "a"],
        ["inbound", PHONE, OURS, STOPPED, "Stop", "b"],
        ["outbound-api", OURS, PHONE, AFTER, "hi again", "c"],
        ["sideways", OURS, PHONE, AFTER, "?", "d"],
    ]
    both = write(tmp_path / "twilio.csv", ("Direction", "From", "To", "SentDate", "Was", "Sid"), rows)
    found = audit(tmp_path, str(both), "--column", "text=Was")
    assert found.ids() == ["c"]
    assert "neither in nor out" in found.summary["bad_rows_named"][0]["reason"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("missing.csv",), "No such file"),
        (("--sent", "empty.csv"), "the first row names the columns"),
        (("--sent", "odd.csv"), "no column for phone and sent_at; the first row has a, b; --column phone=NAME"),
        (("odd.csv",), "--sent or --replies"),
        (("--sent", "open.csv"), "a quote is left open"),
        (("--sent", "odd.csv", "--column", "nonsense=a"), "FIELD is one of"),
        (("--sent", "odd.csv", "--zone", "Mars/Base"), "Europe/Paris"),
        (("--sent", "odd.csv", "--country", "Nowhere"), "ISO 3166"),
        (("--sent", "odd.csv", "--encoding", "klingon"), "klingon"),
        (("--clicksend",), "set CLICKSEND_USERNAME and CLICKSEND_API_KEY"),
        ((), "name files"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.csv").write_text("\n\n")
    Path("odd.csv").write_text("a,b\n1,2\n")
    Path("open.csv").write_text(f'to,date,text\n{PHONE},{BEFORE},"never closed\n' + f"{PHONE},{AFTER},x\n" * 20_000)
    assert audit(tmp_path, *words).code == 2
    written = capsys.readouterr()
    assert said in written.err
    assert written.err.count("\n") == 1


def test_the_page_loads_nothing_runs_nothing_and_escapes_everything(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>\"'&"
    messages = [[PHONE, at, OURS, bad, f"{number}{bad}", bad, "sent"] for number, at in enumerate((BEFORE, AFTER))]
    found = audit_rows(tmp_path, messages, [reply(text=f"STOP {bad}"), reply(text="STOP", row_id="r2")])
    assert found.ids() == [f"1{bad}"]
    assert "<script" not in found.page
    assert "http" not in found.page.replace("http-equiv", "")
    assert "default-src &#x27;none&#x27;" in found.page
    assert " style=" not in found.page


def test_no_cell_of_the_findings_is_a_formula(tmp_path: Path) -> None:
    messages = [[PHONE, at, OURS, "=list", id_, "=1+1", "sent"] for at, id_ in ((BEFORE, "@x"), (AFTER, "-cmd"))]
    (finding,) = audit_rows(tmp_path, messages, [reply()]).findings
    assert (finding["list"], finding["message_id"], finding["text"]) == ("'=list", "'-cmd", "'=1+1")
    assert finding["phone"] == PHONE


def test_phones_can_be_masked_in_all_that_is_written(tmp_path: Path) -> None:
    found = audit_rows(tmp_path, MESSAGES, [reply()], "--mask")
    assert [each["phone"] for each in found.findings] == ["'+14*******23"]
    assert PHONE not in found.page + json.dumps(found.summary)


def test_json_on_standard_output_is_the_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = audit_rows(tmp_path, MESSAGES, [reply()], "--json")
    written = json.loads(capsys.readouterr().out)
    assert written["should_have_been_stopped"] == found.summary["should_have_been_stopped"]
    assert Path(written["report"]["audit.html"]).exists()


def test_only_the_user_can_read_the_report_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    audit_rows(tmp_path, MESSAGES, [reply()])
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "report").iterdir()} == {
        "audit.html": 0o600, "findings.csv": 0o600, "audit.json": 0o600,
    }  # fmt: skip
