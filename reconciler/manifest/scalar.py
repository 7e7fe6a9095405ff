"""Single values of the language: what a text, score, duration, role or secret may look like.

Each kind is a type for the models of ``manifest.shape``: it checks a value, and says in the
published JSON schema what it looks like.
"""

from __future__ import annotations

from typing import Annotated, Any

import pydantic
import pydantic_core

from reconciler.manifest import tree
from reconciler.model import duration, property, score, secret  # noqa: A004 - the field's word

NAME_PATTERN = r"[A-Za-z_][A-Za-z0-9_.-]{0,62}"
NODE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
ENVIRONMENT_PATTERN = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
MAXIMUM_TEXT = 65_536
_SHOWN_MAX = 40


def refused(code: str, message: str) -> pydantic_core.PydanticCustomError:
    """Return the error that a value of the wrong form is refused with."""
    # the braces of a text must not be taken for a template
    return pydantic_core.PydanticCustomError(code, "{words}", {"words": message})


def as_text(value: object) -> str:
    """Return a scalar as the text that was written."""
    if type(value) is str:
        if len(value) > MAXIMUM_TEXT:
            raise refused("invalid-value", f"the text is longer than {MAXIMUM_TEXT} characters")
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    wanted = 'a value is missing; write "" for an empty text'
    raise refused(
        "wrong-type", wanted if value is None else f"expected a text, got {tree.kind(value)}"
    )


def as_value(value: object) -> secret.Value:
    """Return a scalar as text, or the reference to a secret."""
    if not isinstance(value, dict):
        return as_text(value)
    if list(value) != ["secretRef"]:
        raise refused(
            "wrong-type", "expected a text or {secretRef: ...}, got a mapping with other keys"
        )
    return _reference(value["secretRef"])


def _reference(reference: object) -> secret.SecretRef:
    if not isinstance(reference, dict) or len(reference) != 1:
        raise refused(
            "invalid-secret-reference", "secretRef takes exactly one of env, file and exec"
        )
    ((kind, where),) = reference.items()
    match kind, where:
        case "env" | "file", str() if where:
            return secret.SecretRef(secret.SecretSource(kind), (where,))
        case "exec", list() if where and all(isinstance(one, str) for one in where):
            return secret.SecretRef(secret.SecretSource.EXEC, tuple(where))
        case "env" | "file", _:
            raise refused("invalid-secret-reference", f"{kind} takes a text")
        case "exec", _:
            raise refused(
                "invalid-secret-reference",
                "exec takes a list: the program's absolute path, then its arguments",
            )
        case _:
            raise refused(
                "invalid-secret-reference",
                f"secretRef takes one of env, file and exec, not {kind}",
            )


def as_duration(value: object) -> int:
    """Return a duration in milliseconds."""
    text = as_text(value)
    found = duration.parse_ms(text)
    if found is None:
        raise refused("invalid-duration", wrong_duration(text))
    return found


def _shown(text: str) -> str:
    """Return as much of a wrong value as fits a line."""
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."


def wrong_duration(text: str) -> str:
    """Say why a text is no duration."""
    return (
        f"{_shown(text)!r} is no duration: a number with ms, s, min or h (a bare number means seconds), "
        "not negative, ten years at most"
    )


def as_score(value: object) -> int:
    """Return a score."""
    text = as_text(value)
    found = property.whole_score(text)
    number = property.integer(text)
    if found is None or (number is not None and abs(number) > score.INFINITY):
        raise refused("invalid-score", wrong_score(text))
    return found


def wrong_score(text: str) -> str:
    """Say why a text is no score."""
    return f"{_shown(text)!r} is no score: a whole number from -1000000 to 1000000, INFINITY or -INFINITY"


def as_role(value: object) -> str:
    """Return a role's current name."""
    names = ("Stopped", "Started", "Unpromoted", "Promoted")
    old = {"Master": "Promoted", "Slave": "Unpromoted"}
    text = as_text(value)
    folded = {**{name.lower(): name for name in names}, **{k.lower(): v for k, v in old.items()}}
    found = folded.get(text.lower())
    if found is None:
        raise refused("invalid-value", f"{text[:40]!r} is no role: {', '.join(names)}")
    return found


def schema(**schema: Any) -> pydantic.WithJsonSchema:
    """Return the note that a type looks like this in the published schema."""
    return pydantic.WithJsonSchema(schema)


SCALARS = ["string", "integer", "boolean", "number"]
_DURATION_EXAMPLES = ["20s", "2min", "500ms", 60]
_SECRET_SCHEMA = {
    "type": "object",
    "title": "secretRef",
    "additionalProperties": False,
    "required": ["secretRef"],
    "properties": {
        "secretRef": {
            "type": "object",
            "description": "Where the secret is read when it is used.",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {
                "env": {"type": "string", "description": "environment variable"},
                "file": {
                    "type": "string",
                    "description": "path of a file; a relative one starts beside the manifest",
                },
                "exec": {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                    "description": "program with its arguments, whose output is the secret",
                },
            },
            "examples": [{"env": "IPMI_HA_1"}, {"file": "/etc/reconciler/ipmi"}],
        }
    },
}

Text = Annotated[str, pydantic.PlainValidator(as_text), schema(type=SCALARS)]
Value = Annotated[
    Any,
    pydantic.PlainValidator(as_value),
    schema(anyOf=[{"type": SCALARS}, _SECRET_SCHEMA]),
]
Duration = Annotated[
    int,
    pydantic.PlainValidator(as_duration),
    schema(type=["string", "integer"], title="duration", examples=_DURATION_EXAMPLES),
]
Score = Annotated[
    int,
    pydantic.PlainValidator(as_score),
    schema(
        title="score",
        anyOf=[
            {"type": "integer", "minimum": -score.INFINITY, "maximum": score.INFINITY},
            {"enum": ["INFINITY", "+INFINITY", "-INFINITY"]},
            {"type": "string", "pattern": r"^[+-]?[0-9]{1,7}$"},
        ],
        examples=[100, "INFINITY", "-INFINITY"],
    ),
]
Role = Annotated[
    str,
    pydantic.PlainValidator(as_role),
    schema(
        title="role",
        enum=["Stopped", "Started", "Unpromoted", "Promoted", "Master", "Slave"],
    ),
]
Name = Annotated[str, pydantic.Strict()]
Flag = Annotated[bool, pydantic.Strict()]
