"""Decisions a second on one core, with 5 rules and with 200, next to a plain loop over `re` that decides the same.

Every text occurs once, so that no cache answers. The loop gets the text after our normalisation, whose time counts for
both, and has one pattern for each rule. Each is measured in a process of its own.

The default rules are measured on ordinary texts and on opt-outs, to nobody's question and in answer to an instruction;
beside them is the same loop over the keywords of these rules alone, which finds no other requests.

    python -m benchmarks.rules 5|200|5-re|200-re 50000
    python -m benchmarks.rules default[-re]:all|ordinary|optouts[:answers] 50000
    python -m benchmarks.rules load 1
"""

import asyncio
import gc
import json
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from benchmarks.rows import Row, row
from services.optout.rules import DEFAULT_RULES, Rule, RuleSet, VersionedRule
from shared.instructions.normalise import normalise

_ROUNDS = 5
_OFFER = "Your order is on its way. Reply STOP to opt out"
_OPT_OUTS = ("STOP", "Stop", "stop", "Stop.", "STOP please", "Unsubscribe", "stop2end", "remove me", "no more messages")
_TEXT = """
the a to and you i it is in on for my we at that are be have not can do will just so what me was with this if but get
your they time out good up when know both now no about see one day like call home how work going there from as or got
back need tomorrow tonight thanks today later sorry please week think want here still love meet dinner train doctor
order number appointment school kids mother car phone money weather football birthday message bus end stop late early
office house minutes hours remember pick bring leave coming tell sure maybe great happy long again wait
"""
_WORDS = _TEXT.split()
_ENDS = (".", "!", "?", "", "...", " :)", " 😂", "\n")


async def run(bootstrap: str, quick: bool) -> list[Row]:
    texts = 20_000 if quick else 50_000  # more than the engine remembers
    found = {what: await _measure(what, texts) for what in ("5", "200", "5-re", "200-re")}
    rows = [
        row("rules, decisions with 5 rules", found["5"], "/s", found["5-re"], "≥ 50,000/s"),
        row("rules, decisions with 200 rules", found["200"], "/s", found["200-re"], "≥ 50,000/s"),
        row("rules, time of a decision with 200 rules", 1e6 / found["200"], "µs", 1e6 / found["5"], "≤ 2"),
    ]
    for which, about in (("all", "all texts"), ("ordinary", "ordinary texts"), ("optouts", "opt-outs")):
        for how, said in (("", "unasked"), (":answers", "in answer")):
            ours, loop = [await _measure(f"default{each}:{which}{how}", texts) for each in ("", "-re")]
            rows.append(row(f"rules, decisions by the default rules, {about}, {said}", ours, "/s", loop, "≥ 50,000/s"))
    loaded = await _output("load", 1)
    rows.append(row("rules, time to load the default rules", loaded["seconds"] * 1000, "ms"))
    rows.append(row("rules, memory that the default rules take up in 50,000 texts", loaded["megabytes"], "MB"))
    return rows


async def _measure(what: str, texts: int) -> float:
    return float((await _output(what, texts))["per_second"])


async def _output(what: str, texts: int) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.rules", what, str(texts), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"measuring {what} failed")
    return dict(json.loads(out))


def texts_of(count: int, share_of_opt_outs: float = 0.1) -> list[str]:
    """Return `count` texts, no two the same: that share are opt-outs, some beside other words, the rest ordinary."""
    chosen = random.Random(6)  # noqa: S311 (the same texts in every run)
    made: dict[str, None] = dict.fromkeys(_OPT_OUTS if share_of_opt_outs else ())
    while len(made) < count:
        made[_opt_out(chosen) if chosen.random() < share_of_opt_outs else _ordinary(chosen)] = None
    texts = list(made)[:count]
    chosen.shuffle(texts)
    return texts


def _ordinary(chosen: random.Random) -> str:
    sentences = [
        " ".join(chosen.choices(_WORDS, k=chosen.randint(2, 11))).capitalize() + chosen.choice(_ENDS)
        for _ in range(chosen.choice((1, 1, 1, 2, 3)))
    ]
    return " ".join(sentences)


def _opt_out(chosen: random.Random) -> str:
    word = chosen.choice(_OPT_OUTS)
    beside = " ".join(chosen.choices(_WORDS, k=chosen.randint(1, 4)))
    return chosen.choice((f"{word}. {beside}", f"{word} {beside}", f"{beside}, {word}", f"{beside}. {word}!"))


def rules_of(count: int) -> list[Rule]:
    """Return rules of which one in five matches in each way, the first of each an opt-out that texts contain."""
    return [rule for n in range(count // 5) for rule in _five(n)]


def _five(n: int) -> Iterator[Rule]:
    def rule(match: str, term: str) -> Rule:
        more = {} if n else {"action": "OPT_OUT"}
        return Rule.model_validate({"name": f"{match} {n}", "match": match, "terms": [term], "action": "OPT_IN"} | more)

    yield rule("exact", f"word{n} alone" if n else "stop")
    yield rule("starts_with", f"word{n} first" if n else "stop please")
    yield rule("contains", f"word{n} within" if n else "remove me")
    yield rule("regex", rf"\bword{n} (again|twice|[0-9]+)\b" if n else r"\bno more (messages|texts?|sms)\b")
    yield rule("contains", f"code{n}" if n else "unsubscribe")


def plain_loop(rules: Sequence[Rule]) -> Callable[[str], str]:
    """Return what a careful programmer writes without an engine: a pattern for each rule, one after the other."""
    shapes = {
        "exact": r"\A{}\Z",
        "stands_alone": r"\A{}\Z",
        "starts_with": r"\A{}(?!\w)",
        "contains": r"(?<!\w){}(?!\w)",
    }
    patterns = [
        (
            re.compile(
                shapes[rule.match_type].format(re.escape(normalise(term))) if rule.match_type in shapes else term
            ),
            rule.name,
        )
        for rule in sorted(rules, key=lambda rule: rule.action != "OPT_OUT")
        for term in rule.terms
    ]
    read = normalise.__wrapped__

    def decide(text: str) -> str:
        normalised = read(text)
        for pattern, name in patterns:
            if pattern.search(normalised):
                return name
        return ""

    return decide


def engine(rules: Sequence[Rule], offer: str | None = None) -> Callable[[str], str]:
    match = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(rules, 1)]).match
    return lambda text: match(text, answered_text=offer).rule or ""


def _decider(what: str) -> Callable[[str], str]:
    if what.startswith("default"):
        name, _, rest = what.partition(":")
        offer = _OFFER if rest.endswith(":answers") else None
        keywords = [rule for rule in DEFAULT_RULES if rule.match_type != "detector"]
        return plain_loop(keywords) if name.endswith("-re") else engine(DEFAULT_RULES, offer)
    count, _, plain = what.partition("-")
    rules = rules_of(int(count))
    return plain_loop(rules) if plain else engine(rules)


def _texts(what: str, count: int) -> list[str]:
    shares = {"ordinary": 0.0, "optouts": 1.0}
    return texts_of(count, shares.get(what.split(":")[1], 0.1) if ":" in what else 0.1)


def _per_second(what: str, count: int) -> float:
    texts, decide = _texts(what, count), _decider(what)
    if not what.startswith("default"):
        other = _decider(what.removesuffix("-re") if what.endswith("-re") else f"{what}-re")
        assert [decide(text) for text in texts[:2_000]] == [other(text) for text in texts[:2_000]]
    best = float("inf")
    for _ in range(_ROUNDS):
        gc.collect()
        started = time.process_time()
        for text in texts:
            decide(text)
        best = min(best, time.process_time() - started)
    return count / best


def _load() -> dict[str, float]:
    """Return what a process spends that has imported everything but the detectors' grammars."""
    texts = texts_of(50_000)
    program = "import time; s = time.process_time(); import services.optout.rules; print(time.process_time() - s)"
    others = "import pydantic, re2, rapidfuzz.distance, shared.phones, shared.instructions.find; "
    seconds = [
        float(subprocess.run([sys.executable, "-c", others + program], capture_output=True, check=True).stdout)  # noqa: S603
        for _ in range(3)
    ]
    decide = engine(DEFAULT_RULES, _OFFER)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for text in texts:
        decide(text)
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"seconds": min(seconds), "megabytes": used}


if __name__ == "__main__":
    what, count = sys.argv[1], int(sys.argv[2])
    print(json.dumps(_load() if what == "load" else {"per_second": _per_second(what, count)}))
