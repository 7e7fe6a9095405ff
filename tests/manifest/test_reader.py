"""The YAML reader: two parsers, one result, and never an exception."""

import json

import hypothesis
import hypothesis.strategies as st
import pytest

from reconciler.errors import diagnostic
from reconciler.manifest import codes, load, reader

SAMPLE = """\
apiVersion: reconciler/v1
cluster:
  name: "trial"  # a comment with ü
  properties: {stonith-enabled: true, no-quorum-policy: 'stop'}
nodes:
  n1: {address: 10.0.0.1, connection: ssh}
resources:
  v:
    agent: ocf:heartbeat:IPaddr2
    params:
      ip: 10.0.0.9
      text: |
        several
        lines
      folded: >-
        folded
        text
    operations: {monitor: [{interval: 2s}, {interval: 5s}]}
constraints:
- location: {resource: v, prefers: {n1: 100}}
"""


def read(content, parse=reader.parse):
    """Return the tree and the findings of a content, read by one of the parsers."""
    findings = codes.Findings()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "parse", parse)
        document = reader.read("f.yaml", content, findings)
    return document, findings.items


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0123", "0123"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1.10", "1.10"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("0x1f", "0x1f"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("2026-12-24", "2026-12-24"),
        ("-7", -7),
        ("0", 0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("'true'", "true"),
        ('"5"', "5"),
        ("9" * 30, "9" * 30),
    ],
)
@pytest.mark.parametrize("parse", [reader.parse, reader.parse_slowly])
def test_scalars(text, value, parse):
    """Only what looks plainly like a number, boolean or null is one; all else stays as written."""
    document, findings = read(f"k: {text}\n".encode(), parse)

    assert findings == []
    assert document.root == {"k": value}
    assert type(document.root["k"]) is type(value)


def test_both_parsers_agree():
    """The C parser and the Python parser give the same tree with the same places."""

    def places(node):
        if isinstance(node, dict):
            return [(key, node.marks[key], places(value)) for key, value in node.items()]
        return [places(one) for one in node] if isinstance(node, list) else node

    fast, _ = read(SAMPLE.encode())
    slow, _ = read(SAMPLE.encode(), reader.parse_slowly)

    assert places(fast.root) == places(slow.root)


@pytest.mark.parametrize("parse", [reader.parse, reader.parse_slowly])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k: {a: ocf:x:Y, b: [e:f]}", {"a": "ocf:x:Y", "b": ["e:f"]}),
        ("k: {a: fe80::1, b: http://x:80/}", {"a": "fe80::1", "b": "http://x:80/"}),
        ("k: {a: ::1}", {"a": "::1"}),
        ("k: fe80::1", "fe80::1"),
        ('k: {"a":b, "c": "d:e"}', {"a": "b", "c": "d:e"}),
        ("k: {'a':1}", {"a": 1}),
        ("k: |\n  a:b\n  c: d\n", "a:b\nc: d\n"),
        ("k: a:b # c:d", "a:b"),
        ("k: '\ue000:x'", "\ue000:x"),
        ("k: {a:b: c}", {"a:b": "c"}),
    ],
)
def test_colons_inside_of_texts(text, value, parse):
    """A colon that no blank follows is a part of the text, also inside of brackets."""
    document, findings = read(text.encode(), parse)

    assert findings == []
    assert document.root == {"k": value}


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(st.text(alphabet="ab:,[]{}'\"# \n-", max_size=24))
def test_parsers_agree_on_colons(text):
    """Where both parsers read a text, they read the same."""
    fast, _ = read(text.encode())
    slow, _ = read(text.encode(), reader.parse_slowly)

    if fast.readable and slow.readable:
        assert fast.root == slow.root


def test_places_of_keys_and_values():
    """Keys and values have the line and column at which they begin, counted in characters."""
    document, _ = read("ü: {a: [x, yy]}\n".encode())
    inner = document.root["ü"]

    assert str(document.root.key("ü")) == "f.yaml:1:1"
    assert str(document.root.value("ü")) == "f.yaml:1:4"
    assert str(inner.value("a")) == "f.yaml:1:8"
    assert str(inner.sequence("a").item(1)) == "f.yaml:1:12"


@pytest.mark.parametrize("parse", [reader.parse, reader.parse_slowly])
def test_truncation_at_every_byte(parse):
    """A file that was cut off anywhere gives findings or a tree, never an exception."""
    content = SAMPLE.encode()
    for end in range(len(content)):
        document, findings = read(content[:end], parse)
        assert document.readable or findings, end


def test_truncated_manifests_load_without_exception():
    """The whole way to the desired state survives every truncation, too."""
    content = SAMPLE.encode()
    for end in range(0, len(content), 3):
        loaded = load.load_texts({"f.yaml": content[:end]})
        assert loaded.desired is None or not diagnostic.has_errors(loaded.diagnostics)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("parse", [reader.parse, reader.parse_slowly])
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b"{" * 100_000,
        b"{a: " * 50_000,
        b"- " * 50_000,
        b"? " * 50_000,
        b"'" * 100_001,
        b'"' + b"\\" * 100_001,
        b"a: &a [*a]",
        b"!" * 1000,
        b"%" * 1000,
        b"\t" * 1000,
        b": " * 1000,
        b"&" * 1000,
        b"*" * 1000,
        b"? - ? - : ",
        b"a:\n  - b\n c: d",
        b"\r\r\r:\r",
        b"...\n...",
    ],
    ids=lambda content: content[:8] if isinstance(content, bytes) else "",
)
def test_hostile_contents(content, parse):
    """Nesting bombs and broken syntax end soon, with findings."""
    document, findings = read(content, parse)

    assert not document.readable
    assert findings


def test_many_faulty_keys_do_not_flood():
    """A file that is faulty throughout gives a bounded number of findings."""
    content = b"".join(b"%d: x\n" % number for number in range(5_000))
    _, findings = read(content)

    assert len(findings) <= 200


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(st.binary(max_size=300))
def test_any_bytes(content):
    """Any bytes give a tree or findings."""
    document, findings = read(content)

    assert document.readable or findings


ALPHABET = "ab:-[]{}&*!|>'\"%@`#,? \n\t~0"


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(st.text(alphabet=ALPHABET, max_size=60))
def test_any_punctuation(text):
    """So does any mixture of the characters that mean something, with either parser."""
    for parse in (reader.parse, reader.parse_slowly):
        document, findings = read(text.encode(), parse)
        assert document.readable or findings


WORDS = st.sampled_from(
    [
        "name", "properties", "nodes", "agent", "params", "meta", "operations", "monitor", "group",
        "clone", "promotable", "colocation", "order", "location", "resource", "with", "first",
        "then", "sets", "resources", "prefers", "rule", "and", "attribute", "operation", "date",
        "devices", "levels", "hosts", "secretRef", "env", "exec", "template", "score", "values",
        "interval", "timeout", "a", "b", "n1", "clone-max", "ticket", "fencing-enabled",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@hypothesis.settings(
    max_examples=400, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
@hypothesis.given(
    st.fixed_dictionaries(
        {"apiVersion": st.just("reconciler/v1")},
        optional=dict.fromkeys(
            (
                "cluster",
                "defaults",
                "nodes",
                "resources",
                "constraints",
                "fencing",
                "templates",
                "tags",
            ),
            VALUES,
        ),
    )
)
def test_any_structure(document):
    """Any structure of plausible words is loaded or refused with findings, never with an exception."""
    loaded = load.load_texts({"f.yaml": json.dumps(document, ensure_ascii=True).encode()})

    assert loaded.desired is not None or diagnostic.has_errors(loaded.diagnostics)


@hypothesis.settings(
    max_examples=300, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
@hypothesis.given(st.data())
def test_spoiled_parts_of_a_sound_manifest(data):
    """A sound manifest with one value replaced by anything is loaded or refused, never worse."""
    document, _ = read(SAMPLE.encode())
    root = json.loads(json.dumps(document.root))
    place = root
    while isinstance(place, dict | list) and place:
        steps = list(place) if isinstance(place, dict) else list(range(len(place)))
        step = data.draw(st.sampled_from(steps))
        if not isinstance(place[step], dict | list) or data.draw(st.booleans()):
            place[step] = data.draw(VALUES)
            break
        place = place[step]
    loaded = load.load_texts({"f.yaml": json.dumps(root).encode()})

    assert loaded.desired is not None or diagnostic.has_errors(loaded.diagnostics)
