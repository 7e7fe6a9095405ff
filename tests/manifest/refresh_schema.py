"""Writes schemas/ anew after a change of the language: python tests/manifest/refresh_schema.py."""

import pathlib

from reconciler.manifest import reference, schema

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"

if __name__ == "__main__":
    (SCHEMAS / "manifest.schema.json").write_text(schema.text(), encoding="utf-8")
    (SCHEMAS / "README.md").write_text(reference.text(), encoding="utf-8")
