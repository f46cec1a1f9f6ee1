"""A campaign is previewed while it is written: its segments, the gate's own words, its recipients and what it costs."""

from typing import Any

from optout_api_world import NUMBER, Caller

PATH = "/v1/campaigns/preview"


async def previewed(caller: Caller, list_id: int, body: str, sender_number: str = NUMBER) -> dict[str, Any]:
    draft = {"list_id": list_id, "sender_number": sender_number, "body": body}
    answer = await caller.call("POST", PATH, json=draft)
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


async def test_it_counts_segments_with_the_appended_instruction(acme: Caller) -> None:
    list_id = await acme.new_list("Spring", "+14155550100", "+14155550101")
    found = await previewed(acme, list_id, "Half price")
    assert (found["text"], found["instruction_is_appended"]) == ("Half price Reply STOP to opt out", True)
    assert (found["encoding"], found["segments"], found["recipients"], found["segments_of_all"]) == ("gsm7", 1, 2, 2)
    assert found["rejection"] is None
    found = await previewed(acme, list_id, "Ha\N{LATIN SMALL LETTER L WITH STROKE}f price. Reply STOP to opt out " * 3)
    assert (found["encoding"], found["unusual_characters"]) == ("ucs2", ["\N{LATIN SMALL LETTER L WITH STROKE}"])
    assert (found["segments"], found["segments_of_all"]) == (2, 4)
    assert not found["instruction_is_appended"]


async def test_a_text_that_the_gate_rejects_is_said_in_its_words(acme: Caller) -> None:
    list_id = await acme.new_list("Spring", "+14155550100")
    found = await previewed(acme, list_id, "Half price. Reply QUUX to opt out")
    assert found["rejection"]["reason"] == "word_without_rule"
    assert "QUUX" in found["rejection"]["detail"]
    await acme.call("PUT", "/v1/account/gate", json={"policy": "reject"})
    found = await previewed(acme, list_id, "Half price")
    assert (found["rejection"]["reason"], found["text"]) == ("no_way_out", "Half price")


async def test_personal_texts_are_measured_and_those_that_get_none_are_counted(acme: Caller) -> None:
    list_id = await acme.new_list("Spring")
    long = {"phone": "+14155550102", "fields": {"plan": "x" * 200}}
    contacts = [{"phone": "+14155550100", "fields": {"plan": "gold"}}, long, {"phone": "+14155550103"}]
    await acme.call("POST", f"/v1/lists/{list_id}/contacts", json={"contacts": contacts})
    found = await previewed(acme, list_id, "{plan}")
    assert (found["examined"], found["skipped"]) == (3, 1)  # no text is left for who has no plan
    assert (found["segments_least"], found["segments_most"]) == (1, 2)
    assert found["examples"][0]["text"] == "gold Reply STOP to opt out"


async def test_a_place_for_a_link_counts_as_long_as_a_link(acme: Caller) -> None:
    list_id = await acme.new_list("Spring", "+14155550100")
    found = await previewed(acme, list_id, "Half price {{opt_out_link}}")
    assert (found["rejection"], found["text"]) == (None, "Half price https://o.example/xxxxxxxxxxx")


async def test_whoever_has_opted_out_is_not_counted_and_wrong_fields_are_named(acme: Caller, other: Caller) -> None:
    mine = await acme.new_list("Spring", "+14155550100")
    for caller, fields, field in (
        (other, {}, "list_id"),
        (acme, {"sender_number": "+"}, "sender_number"),
        (acme, {"body": " "}, "body"),
        (acme, {"body": "x" * 1_531}, "body"),
    ):
        draft = {"list_id": mine, "sender_number": NUMBER, "body": "Half price", **fields}
        answer = await caller.call("POST", PATH, json=draft)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


async def test_campaigns_are_listed_from_either_end(acme: Caller) -> None:
    list_id = await acme.new_list("Spring", "+14155550100")
    made = []
    for name in ("one", "two", "three"):
        body = {"list_id": list_id, "name": name, "sender_number": NUMBER, "body": "Hi"}
        body |= {"scheduled_at": "2027-01-01T00:00:00Z"}
        made.append((await acme.call("POST", "/v1/campaigns", json=body)).json()["campaign_id"])
    first = await acme.get("/v1/campaigns", newest_first="true", limit=2)
    rest = await acme.get("/v1/campaigns", newest_first="true", limit=2, after=first["next"])
    shown = [each["campaign_id"] for page in (first, rest) for each in page["campaigns"]]
    assert (shown, rest["next"]) == (made[::-1], None)
