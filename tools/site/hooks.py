"""What MkDocs does not do by itself: pages that are made of the repository's other files, and links that lead to them.

Every text stays where it belongs (CHANGELOG.md in the root, the contract beside its schemas); the site has a copy of
it, made at each build. Links between documents are those that also work in a clone.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
MERMAID = "javascripts/mermaid.min.js"
_COPIES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "contract/README.md": "reference/contract.md",
    "benchmarks/RESULTS.md": "benchmarks.md",
    "examples/bookshop/README.md": "examples/bookshop.md",
    "clients/stopline-pytest/README.md": "examples/stopline-pytest.md",
}
"""Documents outside docs/, and their pages."""
_LINK = re.compile(r"(!?\[)([^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
_FENCE = re.compile(r"^(```|~~~)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made of other files."""
    for source, page in _COPIES.items():
        if (ROOT / source).exists():
            _add(files, config, page, (ROOT / source).read_text(encoding="utf-8"))
    _add(files, config, "decisions/index.md", _decisions())
    _add(files, config, "reference/events.md", _events())
    for name in ("v1", "v3"):
        _add(files, config, f"reference/api-{name}.md", _routes(name))
    mermaid = next((ROOT / "tools" / "site" / "mermaid").glob("*.min.js"))
    files.append(File.generated(config, MERMAID, abs_src_path=str(mermaid)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 (MkDocs's)
    """Have links to files outside docs/ lead to their copies, or be plain text."""
    source = next((path for path, copy in _COPIES.items() if copy == page.file.src_uri), None)
    folder = (ROOT / source).parent if source else (ROOT / "docs" / page.file.src_uri).parent
    here = Path(page.file.src_uri).parent

    def linked(found: re.Match[str]) -> str:
        target = (folder / found[3]).resolve()
        uri = _uri(target, files)
        if uri is None:  # a file of the repository that the site does not have, or a mistake, which MkDocs finds
            return found[2] if target.exists() else found[0]
        return f"{found[1]}{found[2]}]({_relative(uri, here)}{found[4] or ''})"

    return _outside_code(markdown, linked)


def _outside_code(markdown: str, linked: Any) -> str:
    lines, in_code = [], False
    for line in markdown.splitlines():
        in_code ^= bool(_FENCE.match(line.lstrip()))
        lines.append(line if in_code else _LINK.sub(linked, line))
    return "\n".join(lines)


def _uri(target: Path, files: Files) -> str | None:
    """Return the page of a file, wherever the file is."""
    if not target.is_relative_to(ROOT):
        return None
    name = str(target.relative_to(ROOT))
    if name == "docs/decisions":
        return "decisions/index.md"
    uri = _COPIES.get(name, name.removeprefix("docs/") if name.startswith("docs/") else "")
    return uri if uri and files.get_file_from_path(uri) else None


def _relative(uri: str, here: Path) -> str:
    up = [".."] * len(here.parts) if str(here) != "." else []
    return "/".join([*up, uri])


def _add(files: Files, config: MkDocsConfig, uri: str, text: str) -> None:
    files.append(File.generated(config, uri, content=text))


def _decisions() -> str:
    rows = []
    for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        rows.append(f"- [{title}]({path.name})")
    return (
        "# Decisions\n\nWhy things are as they are: reasons, costs, what was rejected, and when to look again.\n\n"
        + "\n".join(rows)
    )


def _events() -> str:
    """Return the AsyncAPI document as a page: topics, then each event with its fields and a real value."""
    described = yaml.safe_load((ROOT / "contract" / "asyncapi.yaml").read_text(encoding="utf-8"))
    parts = ["# Topics and events", described["info"]["description"], _EVENTS_SOURCE]
    for topic, channel in described["channels"].items():
        named = ", ".join(map(_named, channel["messages"]))
        parts += [f"## {topic}", channel.get("description", ""), f"Events: {named}"]
    parts.append("## Each event")
    for path in sorted((ROOT / "contract" / "schemas").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        golden = (ROOT / "contract" / "golden" / path.name).read_text(encoding="utf-8")
        shown = json.dumps(json.loads(golden), indent=2, ensure_ascii=False)
        parts += [f"### {_event(path.stem)} {{ #{_anchor(path.stem)} }}", schema.get("description", "")]
        parts += [_fields(schema), f"```json\n{shown}\n```"]
    return "\n\n".join(parts)


_EVENTS_SOURCE = (
    "This page is made of `contract/asyncapi.yaml` and the JSON Schemas beside it, which are made of the models. For"
    " whoever writes a producer: [the contract](contract.md), [examples](../produce.md)."
)


def _named(name: str) -> str:
    """Return an event's name, as a link where it has a schema: a parked record has none, it is whatever was parked."""
    has_schema = (ROOT / "contract" / "schemas" / f"{name}.json").exists()
    return f"[{_event(name)}](#{_anchor(name)})" if has_schema else f"`{_event(name)}`"


def _event(name: str) -> str:
    return name.partition(".")[0]


def _anchor(name: str) -> str:
    return name.replace(".", "-")


def _fields(schema: dict[str, Any]) -> str:
    """Return the table of an object's fields."""
    required = schema.get("required", ())
    rows = [
        f"| `{name}` | {_type(field)} | {'yes' if name in required else ''} | {_cell(field.get('description', ''))} |"
        for name, field in schema.get("properties", {}).items()
    ]
    return "\n".join(["| field | | required | |", "|---|---|---|---|", *rows]) if rows else ""


def _type(field: dict[str, Any]) -> str:
    """Return what a field may be, in a few words."""
    if "$ref" in field:
        return f"`{field['$ref'].rpartition('/')[2]}`"
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    for many in ("anyOf", "oneOf", "allOf"):
        if many in field:
            return " or ".join(dict.fromkeys(_type(each) for each in field[many]))
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    limits = [f"{word} {field[key]}" for key, word in _LIMITS.items() if key in field]
    return ", ".join([field.get("format") or str(field.get("type", "any")), *limits])


_LIMITS = {"minLength": "from", "maxLength": "up to", "minimum": "from", "maximum": "up to", "maxItems": "up to"}


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _routes(version: str) -> str:
    """Return an OpenAPI document as a page: each route, its parameters, body and answers."""
    described = json.loads((ROOT / ".venv" / "site" / "api.json").read_text(encoding="utf-8"))[version]
    parts = [
        f"# Customer API, /{version}",
        _cell(described["info"].get("description", "")),
        _API_SOURCE.format(version),
    ]
    for path, operations in sorted(described["paths"].items()):
        for method, operation in operations.items():
            parts += [
                f"## {method.upper()} {path}",
                _cell(operation.get("description") or operation.get("summary", "")),
            ]
            parts += [_parameters(operation), _body(operation), _answers(operation)]
    parts.append("# Shapes")
    for name, schema in sorted(described.get("components", {}).get("schemas", {}).items()):
        parts += [f"## {name}", _cell(schema.get("description", "")), _fields(schema)]
    return "\n\n".join(filter(None, parts))


_API_SOURCE = (
    "This page is made of the document that the API serves at `/{}/openapi.json`."
    " In words: [the customer API](../api.md)."
)


def _parameters(operation: dict[str, Any]) -> str:
    rows = [
        f"| `{each['name']}` | {each['in']} | {_type(each.get('schema', {}))} |"
        f" {'yes' if each.get('required') else ''} |"
        for each in operation.get("parameters", ())
    ]
    return "\n".join(["| parameter | in | | required |", "|---|---|---|---|", *rows]) if rows else ""


def _body(operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    shown = [f"{kind}: {_type(each.get('schema', {}))}" for kind, each in content.items()]
    return f"Body: {'; '.join(shown)}" if shown else ""


def _answers(operation: dict[str, Any]) -> str:
    rows = []
    for status, answer in sorted(operation.get("responses", {}).items()):
        kinds = [_type(each.get("schema", {})) for each in answer.get("content", {}).values()]
        rows.append(f"| {status} | {_cell(answer.get('description', ''))} | {', '.join(dict.fromkeys(kinds))} |")
    return "\n".join(["| answer | | |", "|---|---|---|", *rows])
