"""Backpack's OpenAPI document as a validator; runs in the environment of others' software, not in ours.

The document's nullability is wrong for the venue's real data: properties that are not required may be null. That is
patched, and nothing else; the overlay adds options.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]


def patched(document: Any) -> Any:
    """Return a part of the document with null where the venue sends it."""
    if isinstance(document, list):
        return [patched(each) for each in document]
    if not isinstance(document, dict):
        return document
    found = {key: patched(value) for key, value in document.items() if not (key == "default" and value is None)}
    if isinstance(found.get("properties"), dict):
        required = set(found.get("required", ()))
        found["properties"] = {
            name: schema if name in required else {"anyOf": [schema, {"type": "null"}]}
            for name, schema in found["properties"].items()
        }
    return found


def merged(document: Any, patch: Any) -> Any:
    """Return a document with a merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    base = document if isinstance(document, dict) else {}
    return {**base, **{key: merged(base.get(key), value) for key, value in patch.items()}}


def schema_of(spec: Any, method: str, path: str) -> Any:
    """Return the schema of the answer that a request gets."""
    content = spec["paths"][path][method.lower()]["responses"]["200"]["content"]
    return next(iter(content.values()))["schema"]


def errors(spec: Any, schema: Any, document: Any) -> list[str]:
    """Return what is wrong with a document."""
    validator = Draft202012Validator({**schema, "components": spec["components"]})
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in validator.iter_errors(document)]


def main() -> None:
    """Validate the documents that stdin lists, by method and path or by name of schema; print what is wrong."""
    asked = json.load(sys.stdin)
    official = yaml.safe_load(Path(asked["spec"]).read_text(encoding="utf-8"))
    overlay = json.loads(Path(asked["overlay"]).read_text(encoding="utf-8"))
    plain, extended = patched(official), patched(merged(official, overlay))
    found = []
    for each in asked["documents"]:
        spec = extended if each["overlay"] else plain
        schema = (
            spec["components"]["schemas"][each["schema"]]
            if "schema" in each
            else schema_of(spec, each["method"], each["path"])
        )
        found.append(errors(spec, schema, each["document"]))
    if asked.get("write"):
        Path(asked["write"]).write_text(json.dumps(extended), encoding="utf-8")
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
