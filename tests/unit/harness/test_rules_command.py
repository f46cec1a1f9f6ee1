"""`stopline rules test`: one text is explained, a file is decided line by line, and what is wrong is named."""

import json
from pathlib import Path

import pytest

from harness.cli.main import EXIT_MISCONFIGURED, main

_FIELDS = {"answer", "reason", "rule"}


def test_one_text_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", "S T O P", "--instruction", "Reply STOP to end"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("opt_out: ")
    for part in ("keyword", "STOP", "'stop', characters 0 to 4", "spaced_letters", "way out     stop"):
        assert part in said


def test_a_file_is_decided_line_by_line_in_its_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        {"text": "STOP"},
        {"text": "see you"},
        {"text": "Yes", "instruction": "Reply YES to subscribe"},
        {"text": "Help"},
    ]
    path = tmp_path / "replies.jsonl"
    path.write_text("\n\n".join(map(json.dumps, lines)))
    assert main(["rules", "test", "--file", str(path), "--json"]) == 0
    decided = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["answer"] for each in decided] == ["opt_out", "none", "opt_in", "help"]
    assert all(each.keys() >= _FIELDS for each in decided)


def test_rules_of_a_file_take_the_place_of_the_default_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([{"name": "Bye", "match": "exact", "terms": ["bye"], "action": "OPT_OUT"}]))
    assert main(["rules", "test", "Bye!", "--rules", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rule"] == "Bye"
    assert main(["rules", "test", "STOP", "--rules", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"] == "none"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{bad", "line 2 is not JSON"),
        ('"STOP"', "line 2 has no text"),
        ('{"text": 7}', "line 2 has no text"),
        ('{"text": "x", "instruction": 7}', "line 2: its instruction is not a text"),
        ('{"text": "x", "kind": "rant", "want": "none"}', "line 2: all lines have kind and want, or none has"),
        ('{"text": "x", "kind": "rant"}', "line 2: its want is none of opt_out, held"),
        ('{"text": "x", "want": "none"}', "line 2: its kind is not a name"),
        ('{"text": "x", "kind": "a\\nb", "want": "none"}', "line 2: its kind is not a name"),
        ("[" * 200_000, "line 2 is not JSON"),
        ('{"text": "' + "x" * 300_000 + '"}', "line 2 has more than 256,000 bytes"),
    ],
)
def test_a_bad_line_is_named(line: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_text(f'{{"text": "STOP"}}\n{line}\n')
    assert main(["rules", "test", "--file", str(path), "--json"]) == EXIT_MISCONFIGURED
    published = capsys.readouterr()
    assert said in published.err
    assert len(published.out.splitlines()) == 1


def test_bytes_that_are_not_text_are_decided_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_bytes(b'{"text": "stop \xff"}\n{"text": "stop \\ud800\\u0000"}\n')
    assert main(["rules", "test", "--file", str(path), "--json"]) == 0
    assert [json.loads(line)["answer"] for line in capsys.readouterr().out.splitlines()] == ["opt_out"] * 2


def test_a_pattern_that_is_refused_is_named_with_its_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([{"name": "x", "match": "regex", "terms": ["(?=a)"], "action": "OPT_OUT"}]))
    assert main(["rules", "test", "x", "--rules", str(path)]) == EXIT_MISCONFIGURED
    assert "looking ahead" in capsys.readouterr().err


def labelled(folder: Path) -> Path:
    lines = [
        {"text": "STOP", "kind": "keyword", "want": "opt_out"},
        {"text": "wrong number", "kind": "wrong_person", "want": "held"},
        {"text": "See you at the bus stop", "kind": "ordinary", "want": "none"},
        {"text": "STOP", "kind": "ordinary", "want": "none"},
    ]
    path = folder / "labelled.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_lines_with_kind_and_want_give_a_table_by_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", "--file", str(labelled(tmp_path))]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["kind", "want", "lines", "right", "opt_out", "held", "opt_in", "help", "none"]
    assert ["ordinary", "none", "2", "1", "1", "0", "0", "0", "1"] in rows
    assert rows[-1] == ["all", "4", "3", "2", "1", "0", "0", "1"]


def test_the_table_can_be_read_by_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", "--file", str(labelled(tmp_path)), "--json"]) == 0
    rows = {row["kind"]: row for row in json.loads(capsys.readouterr().out)["kinds"]}
    assert (rows["wrong_person"]["right"], rows["wrong_person"]["held"]) == (1, 1)
    assert (rows["all"]["lines"], rows["all"]["right"]) == (4, 3)
