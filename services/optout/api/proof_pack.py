"""The proof pack for a complaint: a page of HTML to print, the JSON that it shows, and the chain to verify."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evidence about {phone}</title><style>
body {{ font: 14px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse; width: 100% }} tr {{ break-inside: avoid }}
td, th {{ border-bottom: 1px solid #bbb; padding: .4em; text-align: left }}
td {{ vertical-align: top; overflow-wrap: anywhere }}
code {{ font-size: 12px; overflow-wrap: anywhere }}
</style></head><body>
<h1>Evidence about {phone}</h1>
<p>From the record of account {account}, made at {made_at}. {count} items, oldest first; times are UTC.</p>
<h2>Who may not send now</h2><ul>{states}</ul>
<h2>What happened</h2>
<table><thead><tr><th>time</th><th>what</th><th>text</th><th>details</th></tr></thead><tbody>
{items}
</tbody></table>
<h2>How to verify it</h2>
<p>Each decision is an entry of a hash chain, whose ends were published outside the database as they were written.
<code>chain.jsonl</code> has the entries of this page, and digests of others' entries that lead to the next anchor. With
the anchors of the topic <code>evidence-anchors</code>, from whoever keeps them:</p>
<pre>stopline evidence script &gt; verify.py
python verify.py chain.jsonl ANCHORS --selection</pre>
<table><thead><tr><th>entry</th><th>SHA-256</th></tr></thead><tbody>
{entries}
</tbody></table></body></html>
"""
_IN_COLUMNS = {"what", "at", "text", "body"}


def proof_pack(evidence: dict[str, Any], chain: Sequence[dict[str, Any]]) -> bytes:
    """Return a zip of `evidence.html`, `evidence.json` and `chain.jsonl`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("evidence.html", page(evidence))
        pack.writestr("evidence.json", json.dumps(evidence, indent=2, ensure_ascii=False, default=str))
        pack.writestr("chain.jsonl", "".join(json.dumps(line) + "\n" for line in chain))
    return packed.getvalue()


def page(evidence: dict[str, Any]) -> str:
    """Return the page: no script, nothing from elsewhere, and every text of others escaped."""
    return _PAGE.format(
        phone=escape(evidence["phone"]),
        account=escape(evidence["account_id"]),
        made_at=escape(evidence["made_at"]),
        count=len(evidence["timeline"]),
        states="".join(_states(evidence["suppressions"])) or "<li>everybody may</li>",
        items="\n".join(_item(item) for item in evidence["timeline"]),
        entries="\n".join(
            _row(f"partition {entry['partition']}, entry {entry['sequence']}", f"<code>{entry['hash']}</code>")
            for entry in evidence["entries"]
        ),
    )


def _states(suppressions: Sequence[dict[str, Any]]) -> Iterator[str]:
    for each in suppressions:
        yield f"<li>{escape(each['scope'])}: {escape(each['state'])} since {escape(each['changed_at'])}</li>"


def _item(item: dict[str, Any]) -> str:
    text = item.get("text") or item.get("body") or ""
    details = "<br>".join(
        f"{escape(name)}: {escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))}"
        for name, value in item.items()
        if name not in _IN_COLUMNS and value not in (None, "", [])
    )
    return _row(escape(item["at"]), escape(item["what"]), escape(text), details)


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
