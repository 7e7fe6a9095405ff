"""Every finding that a single manifest can provoke, at exactly the place where it belongs.

``@@`` marks the place; it is removed before the manifest is loaded.
"""

import pathlib
import re

import pytest

from reconciler.errors import diagnostic
from reconciler.manifest import codes
from reconciler.model import agent

LONG = "x" * 64
VIP = "resources:\n  v: {agent: 'ocf:heartbeat:IPaddr2', params: {%s}}\n"


def resources(text):
    """Return resources a and b, and more."""
    return f"resources:\n  a: {{agent: 'ocf:x:Y'}}\n  b: {{agent: 'ocf:x:Y'}}\n{text}"


def cluster(text):
    """Return a cluster section with that inside."""
    return f"cluster: {{name: trial, {text}}}\n"


def constraint(text):
    """Return a sound manifest's constraints with one."""
    return f"constraints:\n  - {text}\n"


def device(text):
    """Return fencing with a further device."""
    return (
        "fencing:\n  devices:\n    f1: {agent: fence_x, hosts: [n1]}\n"
        f"    f2: {{agent: fence_x, hosts: [n2]}}\n    f3: {text}\n"
    )


def rule(text):
    """Return a location with a rule."""
    return constraint(f"location: {{resource: a, score: 1, rule: {text}}}")


# code, replaced sections, a part of the message or of its nearest names
CASES = [
    ("forbidden-character", {"cluster": "cluster: {name: @@\u202etrial}\n"}, "U+202E"),
    ("forbidden-character", {"cluster": "cluster: {name: tri@@\u200bal}\n"}, "U+200B"),
    ("forbidden-character", {"cluster": 'cluster: {name: @@"a\\0"}\n'}, "U+0000"),
    ("forbidden-character", {"cluster": "cluster: {name: a@@\x07}\n"}, "U+0007"),
    ("forbidden-character", {"cluster": "cluster: {name: a@@\ufeff}\n"}, "U+FEFF"),
    ("yaml-syntax", {"cluster": "cluster: {name: @@: x}\n"}, ""),
    ("yaml-syntax", {"fencing": "fencing: {devices: @@{\n"}, "not finished"),
    ("yaml-syntax", {"cluster": 'cluster: {name: "a@@\\q"}\n'}, "escape"),
    ("forbidden-character", {"cluster": 'cluster: {name: @@"\\ud800"}\n'}, "U+D800"),
    ("yaml-tab", {"cluster": "cluster:\n@@\tname: trial\n"}, "tab"),
    ("yaml-documents", {"fencing": "@@---\nfencing: {}\n"}, "second document"),
    ("yaml-directive", {"apiVersion": "@@%YAML 1.1\n---\napiVersion: reconciler/v1\n"}, ""),
    ("yaml-alias", {"cluster": "cluster: {name: @@&x trial}\n"}, "&x"),
    ("yaml-alias", {"cluster": "cluster: {name: @@*x }\n"}, "*x"),
    ("yaml-tag", {"cluster": "cluster: {name: @@!!binary dHJpYWw=}\n"}, "binary"),
    ("yaml-tag", {"cluster": "cluster: {name: @@!!python/object:os.system x}\n"}, "python"),
    ("yaml-merge-key", {"cluster": "cluster: {@@<<: {a: b}, name: trial}\n"}, "merge"),
    ("yaml-key", {"nodes": "nodes: {@@1: {}}\n"}, "a number"),
    ("yaml-key", {"nodes": "nodes: {@@true: {}}\n"}, "a boolean"),
    ("yaml-key", {"nodes": "nodes: {@@null: {}}\n"}, "nothing"),
    ("yaml-key", {"nodes": "nodes:\n  ? @@[a]\n  : {}\n"}, "a list"),
    ("yaml-depth", {"cluster": "cluster: " + "[" * 31 + "@@[" + "]" * 32 + "\n"}, "32"),
    ("duplicate-key", {"cluster": "cluster: {name: a, @@name: b}\n"}, "'name'"),
    ("api-version", {"apiVersion": "", "cluster": "@@cluster: {name: trial}\n"}, "missing"),
    ("api-version", {"apiVersion": "apiVersion: @@reconciler/v2\n"}, "reconciler/v1"),
    ("unknown-field", {"extra": "@@resorces: {}\n"}, "resources"),
    ("unknown-field", {"nodes": "nodes: {n1: {@@adress: x}, n2: {}}\n"}, "address"),
    ("unknown-field", {"fencing": "fencing: {@@device: {}}\n"}, "devices"),
    ("unknown-field", {"extra": constraint("order: {first: a, then: b, @@knd: x}")}, "kind"),
    ("unknown-field", {"extra": rule("{attribute: x, operaton: eq}").replace("ope", "@@ope")}, "operation"),
    ("missing-field", {"cluster": "cluster: @@{}\n"}, "name"),
    ("missing-field", {"extra": constraint("order: @@{first: a}")}, "then"),
    ("missing-field", {"extra": "templates: {@@t: {params: {}}}\n"}, "agent"),
    ("missing-field", {"fencing": device("@@{agent: fence_x}")}, "hosts"),
    ("wrong-type", {"nodes": "nodes: {n1: {standby: @@'yes'}, n2: {}}\n"}, "true or false"),
    ("wrong-type", {"nodes": "nodes: {n1: {standby: @@no}, n2: {}}\n"}, "got a text"),
    ("wrong-type", {"nodes": "nodes: @@[]\n"}, "expected a mapping, got a list"),
    ("wrong-type", {"resources": resources("  c: @@[]\n")}, "mapping"),
    ("wrong-type", {"cluster": cluster("properties: {batch-limit: @@[]}")}, "got a list"),
    ("wrong-type", {"resources": resources("  c: {agent: 'ocf:x:Y', params: {p: @@}}\n")}, "missing"),
    ("wrong-type", {"cluster": cluster("properties: {batch-limit: @@{secretRef: {env: X}}}")}, ""),
    ("invalid-value", {"nodes": "nodes: {n1: {connection: @@shh}, n2: {}}\n"}, "ssh"),
    ("invalid-value", {"cluster": cluster("properties: {no-quorum-policy: @@stopp}")}, "stop"),
    ("invalid-value", {"resources": resources("  c: {agent: 'ocf:x:Y', meta: {multiple-active: @@perhaps}}\n")}, "stop_start"),
    ("invalid-value", {"resources": resources("  c: {agent: 'ocf:x:Y', meta: {target-role: @@Runing}}\n")}, "Started"),
    ("invalid-value", {"resources": resources("  c: {agent: 'ocf:x:Y', operations: {stop: {on-fail: @@explode}}}\n")}, "block"),
    ("invalid-value", {"extra": constraint("location: {pattern: @@'(', prefers: {n1: 1}}")}, "regular"),
    ("ambiguous-kind", {"resources": resources("  @@c: {agnt: x}\n")}, "agent"),
    ("ambiguous-kind", {"resources": resources("  @@c: {group: [a], clone: b}\n")}, "group and clone"),
    ("ambiguous-kind", {"extra": constraint("@@{orders: {}}")}, "order"),
    ("ambiguous-kind", {"extra": constraint("location: @@{resource: a}")}, "prefers"),
    ("ambiguous-kind", {"extra": constraint("ticket: @@{ticket: t}")}, "resource"),
    ("defined-twice", {"extra": "tags: {@@a: [b]}\n"}, "name of a resource"),
    ("defined-twice", {"cluster": cluster("properties: {stonith-enabled: true, @@fencing-enabled: true}")}, "older"),
    ("defined-twice", {"fencing": device("{agent: fence_x, hosts: [n1, @@n1]}")}, "n1"),
    ("old-name", {"cluster": cluster("properties: {@@stonith-enabled: true}")}, "fencing-enabled"),
    ("invalid-name", {"resources": "resources: {@@a;rm: {agent: 'ocf:x:Y'}}\n"}, "U+003B"),
    ("invalid-name", {"resources": "resources: {@@'': {agent: 'ocf:x:Y'}}\n"}, "empty"),
    ("invalid-name", {"resources": "resources: {@@-a: {agent: 'ocf:x:Y'}}\n"}, "begins with"),
    ("invalid-name", {"resources": "resources: {@@..: {agent: 'ocf:x:Y'}}\n"}, "begins with"),
    ("invalid-name", {"resources": f"resources: {{@@{LONG}: {{agent: 'ocf:x:Y'}}}}\n"}, "63"),
    ("invalid-name", {"resources": "resources: {@@vі: {agent: 'ocf:x:Y'}}\n"}, "U+0456"),  # noqa: RUF001 - the homoglyph is the point
    ("invalid-name", {"nodes": "nodes: {@@.n: {}}\n"}, "begins with"),
    ("lookalike-name", {"resources": resources("  vip-1: {agent: 'ocf:x:Y'}\n  @@vip-l: {agent: 'ocf:x:Y'}\n")}, "vip-1"),
    ("invalid-duration", {"cluster": cluster("properties: {fencing-timeout: @@10parsecs}")}, "ms, s, min"),
    ("invalid-duration", {"cluster": cluster("properties: {fencing-timeout: @@-5s}")}, "negative"),
    ("invalid-duration", {"cluster": cluster("properties: {fencing-timeout: @@1e9h}")}, "no duration"),
    ("invalid-duration", {"cluster": cluster("membership: {token: @@soon}")}, "no duration"),
    ("invalid-duration", {"cluster": cluster("membership: {token: @@1h}")}, "between"),
    ("invalid-duration", {"resources": resources("  c: {agent: 'ocf:x:Y', operations: {start: {timeout: @@0s}}}\n")}, "above 0"),
    ("invalid-score", {"extra": constraint("location: {resource: a, prefers: {n1: @@lots}}")}, "INFINITY"),
    ("invalid-score", {"extra": constraint("location: {resource: a, prefers: {n1: @@99999999}}")}, "1000000"),
    ("invalid-score", {"extra": constraint("location: {resource: a, prefers: {n1: @@INF}}")}, "INFINITY"),
    ("invalid-score", {"extra": constraint("location: {resource: a, prefers: {n1: @@1.5}}")}, "whole"),
    ("invalid-score", {"extra": constraint("location: {resource: a, prefers: {n1: @@.nan}}")}, "whole"),
    ("invalid-score", {"extra": constraint(f"location: {{resource: a, prefers: {{n1: @@{'9' * 5000}}}}}")}, "whole"),
    ("invalid-score", {"extra": constraint("location: {resource: a, avoids: {n1: @@-5}}")}, "prefer"),
    ("invalid-score", {"resources": resources("  c: {agent: 'ocf:x:Y', meta: {resource-stickiness: @@abc}}\n")}, "abc"),
    ("invalid-score", {"resources": resources("  c: {agent: 'ocf:x:Y', meta: {migration-threshold: @@-3}}\n")}, "at least 0"),
    ("invalid-boolean", {"cluster": cluster("properties: {fencing-enabled: @@maybe}")}, "maybe"),
    ("invalid-number", {"cluster": cluster("properties: {batch-limit: @@many}")}, "whole number"),
    ("invalid-number", {"cluster": cluster("properties: {batch-limit: @@1e400}")}, "whole number"),
    ("invalid-number", {"cluster": cluster("properties: {load-threshold: @@much}")}, "percentage"),
    ("invalid-number", {"nodes": "nodes: {n1: {utilization: {cpu: @@many}}, n2: {}}\n"}, "number"),
    ("invalid-number", {"nodes": "nodes: {n1: {utilization: {cpu: @@-1}}, n2: {}}\n"}, "0 or more"),
    ("invalid-number", {"resources": resources("  c: {clone: a, meta: {clone-max: @@-3}}\n")}, "at least 0"),
    ("unknown-property", {"cluster": cluster("properties: {@@stonith-enabeld: true}")}, "fencing-enabled"),
    ("unknown-meta", {"resources": resources("  c: {agent: 'ocf:x:Y', meta: {@@targetrole: x}}\n")}, "target-role"),
    ("unknown-meta", {"resources": resources("  c: {agent: 'ocf:x:Y', meta: {@@clone-max: 2}}\n")}, "clone"),
    ("unknown-option", {"resources": resources("  c: {agent: 'ocf:x:Y', operations: {start: {@@timout: 2s}}}\n")}, "timeout"),
    ("clone-limits", {"resources": resources("  c: {clone: a, meta: {clone-max: 2, promoted-max: @@3}}\n")}, "clone-max 2"),
    ("clone-limits", {"resources": resources("  c: {clone: a, meta: {clone-node-max: @@0}}\n")}, "no instance"),
    ("bundle-network", {"resources": resources("  w: {bundle: podman, image: i, resource: @@a}\n")}, "control-port"),
    ("bundle-network", {"resources": resources("  w: {bundle: podman, image: i, resource: a, replicas-per-host: @@2, network: {control-port: 9}}\n")}, "port 9"),
    ("invalid-number", {"resources": resources("  w: {bundle: podman, image: i, replicas: @@0}\n")}, "below 1"),
    ("unordered-group", {"resources": resources("  g: {group: [a]}\n  c: {clone: g, meta: {ordered: @@false}}\n")}, "all at once"),
    ("invalid-rule", {"extra": rule("{date: {operation: gt, start: @@2026-13-45}}")}, "month"),
    ("invalid-rule", {"extra": rule("{date: {operation: date_spec, spec: {hours: @@9-25}}}")}, "0 to 23"),
    ("invalid-rule", {"extra": rule("{date: {operation: date_spec, spec: {@@hour: 9}}}")}, "hours"),
    ("invalid-rule", {"extra": rule("@@{attribute: x, operation: eq}")}, "value"),
    ("invalid-rule", {"extra": rule("{attribute: x, operation: lt, type: integer, value: @@y}")}, "integer"),
    ("invalid-rule", {"extra": rule("{and: @@[]}")}, "empty"),
    ("invalid-rule", {"extra": rule("@@{}")}, "exactly one"),
    ("invalid-address", {"nodes": "nodes: {n1: {address: @@10.0.0.300}, n2: {}}\n"}, "IP address"),
    ("invalid-address", {"nodes": "nodes: {n1: {address: @@'a b;c'}, n2: {}}\n".replace("a b;", "a;")}, "host name"),
    ("invalid-address", {"nodes": "nodes: {n1: {address: @@'fe80::1'}, n2: {}}\n"}, "zone"),
    ("invalid-address", {"resources": VIP % "ip: @@10.0.0.300"}, "IP address"),
    ("invalid-address", {"resources": VIP % "ip: 10.0.0.3, cidr_netmask: @@33"}, "0 to 32"),
    ("invalid-address", {"resources": VIP % "ip: 10.0.0.3, cidr_netmask: @@abc"}, "prefix"),
    ("no-nodes", {"apiVersion": "@@apiVersion: reconciler/v1\n", "nodes": "", "fencing": ""}, ""),
    ("no-resources", {"apiVersion": "@@apiVersion: reconciler/v1\n", "resources": ""}, "mistake"),
    ("duplicate-address", {"resources": VIP % "ip: @@10.1.0.1"}, "node n1"),
    ("duplicate-address", {"nodes": "nodes:\n  n1: {address: 10.1.0.1, connection: ssh}\n  n2: {address: @@10.1.0.1, connection: ssh}\n"}, "node n1"),
    ("quorum-ignored", {"cluster": cluster("properties: {no-quorum-policy: @@ignore}")}, "split"),
    ("invalid-agent", {"resources": "resources: {a: {agent: @@'ocf:../..:x'}}\n"}, "path"),
    ("invalid-agent", {"resources": "resources: {a: {agent: @@/bin/sh}}\n"}, "path"),
    ("invalid-agent", {"resources": "resources: {a: {agent: @@'sytemd:x'}}\n"}, "systemd"),
    ("invalid-agent", {"resources": "resources: {a: {agent: @@'stonith:fence_x'}}\n"}, "fencing.devices"),
    ("agent-path", {"resources": "resources: {a: {agent: @@'lsb:/etc/init.d/x'}}\n"}, "never given as a path"),
    ("foreign-fence-agent", {"fencing": device("{agent: @@external/ipmi, hosts: [n1]}")}, "only Pacemaker"),
    ("invalid-agent", {"fencing": device("{agent: @@fense_x, hosts: [n1]}")}, "fence"),
    ("unknown-resource", {"resources": resources("  g: {group: [a, @@bb]}\n")}, "b"),
    ("unknown-resource", {"extra": constraint("order: {first: a, then: @@c}")}, "a, b"),
    ("unknown-resource", {"extra": "tags: {t: [@@c]}\n"}, "c"),
    ("unknown-node", {"extra": constraint("location: {resource: a, prefers: {@@n3: 1}}")}, "n1"),
    ("unknown-node", {"fencing": device("{agent: fence_x, hosts: [@@n3]}")}, "n1"),
    ("unknown-node", {"fencing": device("{agent: fence_x, hosts: {@@n3: 1}}")}, "n1"),
    ("unknown-node", {"extra": "", "fencing": device("{agent: fence_x, hosts: [n1]}") + "  levels: {@@n9: [[f1]]}\n"}, "n"),
    ("unknown-template", {"resources": "resources: {a: {template: @@t}}\n"}, "'t'"),
    ("wrong-member", {"resources": resources("  g: {group: [a]}\n  h: {group: [@@g]}\n")}, "group"),
    ("wrong-member", {"resources": resources("  c: {clone: a}\n  h: {group: [@@c]}\n")}, "clone"),
    ("member-twice", {"resources": resources("  g: {group: [a]}\n  h: {group: [@@a]}\n")}, "already in g"),
    ("member-twice", {"resources": resources("  g: {group: [a, @@a]}\n")}, "already in g"),
    ("empty-group", {"resources": resources("  g: {group: @@[]}\n")}, "no members"),
    ("not-promotable", {"resources": resources("  s: {agent: 'systemd:x'}\n  c: {clone: s, promotable: @@true}\n")}, "systemd"),
    ("not-promotable", {"resources": "resources:\n  s: {agent: 'ocf:reconciler:Dummy'}\n  c: {clone: s, promotable: @@true}\n"}, "promote"),
    ("unknown-parameter", {"resources": "resources: {a: {agent: 'ocf:reconciler:Web', params: {@@prt: 80}}}\n"}, "port"),
    ("unknown-parameter", {"fencing": device("{agent: fence_x, hosts: [n1], params: {@@pcmk_host_list: n1}}")}, "hosts"),
    ("missing-parameter", {"fencing": device("{agent: ipmi, hosts: [n1], params: {ip: 10.0.0.9}}").replace("f3", "@@f3")}, "username"),
    ("invalid-parameter", {"resources": "resources: {a: {agent: 'ocf:reconciler:Web', params: {port: @@http}}}\n"}, "whole number"),
    ("invalid-parameter", {"fencing": device("{agent: ipmi, hosts: [n1], params: {cipher: @@5}}")}, "3, 17"),
    ("unknown-operation", {"resources": resources("  c: {agent: 'ocf:x:Y', operations: {@@monitr: {}}}\n")}, "monitor"),
    ("unknown-operation", {"resources": resources("  c: {agent: 'systemd:x', operations: {@@promote: {}}}\n")}, "start"),
    ("monitor-twice", {"resources": resources("  c: {agent: 'ocf:x:Y', operations: {monitor: [{interval: 2s}, @@{interval: 2000ms}]}}\n")}, "2s"),
    ("short-timeout", {"resources": "resources: {a: {agent: 'ocf:reconciler:Web', operations: {start: {timeout: @@1s}}}}\n"}, "20s"),
    ("inline-secret", {"resources": resources("  c: {agent: 'ocf:x:Y', params: {passwd: @@hunter2}}\n")}, "secretRef"),
    ("inline-secret", {"fencing": device("{agent: ipmi, hosts: [n1], params: {password: @@hunter2}}")}, "private"),
    ("invalid-secret-reference", {"resources": resources("  c: {agent: 'ocf:x:Y', params: {p: @@{secretRef: {vault: x}}}}\n")}, "env"),
    ("invalid-secret-reference", {"resources": resources("  c: {agent: 'ocf:x:Y', params: {p: @@{secretRef: {exec: [relative]}}}}\n")}, "absolute"),
    ("invalid-secret-reference", {"resources": resources("  c: {agent: 'ocf:x:Y', params: {p: @@{secretRef: {env: A-B}}}}\n")}, "environment"),
    ("self-constraint", {"extra": constraint("order: {first: a, then: @@a}")}, "cannot order a after itself"),
    ("self-constraint", {"extra": constraint("colocation: {resource: a, with: @@a}")}, "itself"),
    ("self-constraint", {"extra": constraint("order: {sets: [{resources: [a]}, {resources: [@@a]}]}")}, "itself"),
    ("colocated-tags", {"extra": "tags: {t: [a], u: [b]}\n" + constraint("colocation: {resource: t, with: @@u}")}, "use sets"),
    ("order-cycle", {"extra": "constraints:\n  - @@order: {first: a, then: b}\n  - order: {first: b, then: a}\n"}, "a -> b -> a"),
    ("order-cycle", {"resources": resources("  g: {group: [a, b]}\n"), "extra": constraint("@@order: {first: b, then: a}")}, "->"),
    ("order-cycle", {"resources": resources("  g: {group: [a]}\n"), "extra": constraint("@@order: {first: g, then: a}")}, "->"),
    ("contradicting-colocation", {"extra": "constraints:\n  - colocation: {resource: a, with: b}\n  - @@colocation: {resource: b, with: a, score: -INFINITY}\n"}, "apart"),
    ("contradicting-colocation", {"resources": resources("  g: {group: [a, b]}\n"), "extra": constraint("@@colocation: {resource: a, with: b, score: -INFINITY}")}, "apart"),
    ("colocation-loop", {"extra": "constraints:\n  - @@colocation: {resource: a, with: b, score: 5}\n  - colocation: {resource: b, with: a, score: 7}\n"}, "chance"),
    ("runs-nowhere", {"resources": "resources: {@@a: {agent: 'ocf:x:Y'}, b: {agent: 'ocf:x:Y'}}\n", "extra": constraint("location: {resource: a, prefers: {n1: -INFINITY, n2: -5}}")}, "closes n1"),
    ("runs-nowhere", {"resources": "resources: {@@a: {agent: 'ocf:x:Y'}, b: {agent: 'ocf:x:Y'}}\n", "extra": "constraints:\n  - location: {resource: a, prefers: {n1: -INFINITY}}\n  - location: {resource: b, prefers: {n2: -INFINITY}}\n  - colocation: {resource: a, with: b}\n"}, "depends on where b is"),
    ("half-fenced", {"fencing": "fencing:\n  devices:\n    f2: {agent: fence_x, hosts: [n2]}\n    p1: {agent: fence_p, params: {ip: 10.0.0.9}, hosts: {n1: 1}}\n    @@p2: {agent: fence_p, params: {ip: 10.0.0.9}, hosts: {n1: 2}}\n"}, "one level"),
    ("weak-fencing", {"nodes": "nodes: {@@n1: {connection: ssh}, n2: {}}\n", "fencing": "fencing:\n  devices:\n    f1: {agent: fence_ipmilan, hosts: [n1], params: {lanplus: 1}}\n    f2: {agent: fence_x, hosts: [n2]}\n"}, "second level"),
    ("weak-fencing", {"fencing": device("{agent: fence_ssh, hosts: [n1]}").replace("f3", "@@f3")}, "trials"),
    ("unknown-device", {"fencing": device("{agent: fence_x, hosts: [n1]}") + "  levels: {n1: [[@@f9]]}\n"}, "f1"),
    ("no-fence-device", {"nodes": "nodes: {@@n1: {}, n2: {}}\n", "fencing": ""}, "stays blocked"),
    ("no-fence-device", {"nodes": "nodes: {n1: {}, n2: {}, @@n3: {}}\n"}, "n3"),
    ("fencing-disabled", {"cluster": cluster("properties: {fencing-enabled: @@false}"), "fencing": ""}, "not recovered"),
    ("option-injection", {"fencing": device("{agent: fence_x, hosts: [n1], params: {ip: @@'1.2.3.4 -C 0'}}")}, "smuggle"),
    ("option-injection", {"fencing": device("{agent: fence_x, hosts: [n1], params: {username: @@-x}}")}, "smuggle"),
    ("option-injection", {"nodes": "nodes: {n1: {address: @@'-oProxyCommand=x'}, n2: {}}\n"}, "smuggle"),
    ("weak-fencing", {"fencing": device("{agent: fence_ipmilan, hosts: [n1], params: {cipher: @@0, lanplus: true}}")}, "refused"),
    ("weak-fencing", {"fencing": device("{agent: fence_ipmilan, hosts: [n1], params: {lanplus: @@false}}")}, "refused"),
    ("weak-fencing", {"fencing": device("{agent: fence_ipmilan, hosts: [n1], params: {auth: @@none, lanplus: 1}}")}, "refused"),
    ("weak-fencing", {"fencing": device("{agent: ipmi, hosts: @@[n1, n2]}")}, "one node"),
    ("level-twice", {"fencing": device("{agent: fence_x, hosts: [n1]}") + "  levels: {n1: [[f1], @@[]]}\n"}, "no device"),
    ("level-twice", {"fencing": device("{agent: fence_x, hosts: [n1]}") + "  levels: {n1: [[f1], [@@f1]]}\n"}, "already"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "sections", "part"),
    CASES,
    ids=[f"{index}-{case[0]}" for index, case in enumerate(CASES)],
)
def test_finding_and_its_place(spoil, code, sections, part):
    """A spoiled manifest gives its finding at the marked line and column, saying what is meant."""
    spoiled = spoil(**sections)
    found = spoiled.find(code)

    assert spoiled.marked
    assert found, spoiled.codes()
    places = [(one.position.line, one.position.column) for one in found]
    assert (spoiled.line, spoiled.column) in places
    finding = found[places.index((spoiled.line, spoiled.column))]
    words = " ".join([finding.message, finding.fix, *finding.nearest])
    assert part in words or any(part in other.message + other.fix for other in found)
    refused = finding.severity is diagnostic.Severity.ERROR
    assert (spoiled.loaded.desired is None) is refused or diagnostic.has_errors(
        spoiled.loaded.diagnostics
    )


def test_every_code_has_a_test():
    """No code exists that no test of this package provokes."""
    folder = pathlib.Path(__file__).parent
    texts = "".join(path.read_text("utf-8") for path in sorted(folder.glob("test_*.py")))
    missing = [code for code in codes.CODES if f'"{code}"' not in texts]

    assert not missing


def test_codes_are_kebab_case():
    """Codes are stable names in kebab case."""
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes.CODES)


def test_the_sound_manifest_is_sound(spoil):
    """The manifest that the cases spoil has no finding of its own."""
    assert spoil().loaded.diagnostics == ()
    assert spoil().loaded.desired is not None


def test_both_places_of_a_double_key(spoil):
    """A key written twice names the place of the first one too."""
    finding = spoil(cluster="cluster: {name: a, name: b}\n").find("duplicate-key")[0]

    assert [str(place) for place, _ in finding.related] == ["m.yaml:2:11"]


def test_a_cycle_names_every_order(spoil):
    """A cycle of three orders shows its path and the place of each order."""
    spoiled = spoil(
        resources="resources: {a: {agent: 'ocf:x:Y'}, b: {agent: 'ocf:x:Y'}, c: {agent: 'ocf:x:Y'}}\n",
        extra="constraints:\n  - order: {first: a, then: b}\n  - order: {first: b, then: c}\n"
        "  - order: {first: c, then: a}\n",
    )
    (finding,) = spoiled.find("order-cycle")

    assert "a -> b -> c -> a" in finding.message
    assert len(finding.related) == 3


def test_nowhere_to_run_names_every_line(spoil):
    """A resource that can run nowhere comes with each location and colocation that closes a node."""
    spoiled = spoil(
        extra="constraints:\n  - location: {resource: a, prefers: {n1: -INFINITY}}\n"
        "  - location: {resource: b, prefers: {n2: -INFINITY}}\n"
        "  - colocation: {resource: a, with: b}\n",
    )
    (finding,) = spoiled.find("runs-nowhere")

    assert len({place.line for place, _ in finding.related}) == 3


def test_rules_may_open_a_node(spoil):
    """What a rule closes may be open once the cluster is there, so nothing is reported."""
    spoiled = spoil(
        extra=constraint(
            "location: {resource: a, rule: {score: -INFINITY, expression: 'not_defined pingd'}}"
        ),
    )

    assert not spoiled.find("runs-nowhere")


def test_optional_orders_make_no_cycle(spoil):
    """Orders that only advise may contradict each other."""
    spoiled = spoil(
        extra="constraints:\n  - order: {first: a, then: b}\n"
        "  - order: {first: b, then: a, kind: Optional}\n"
    )

    assert not spoiled.find("order-cycle")


def test_one_mistake_is_reported_once(spoil):
    """A resource that is faulty itself is not also unknown where it is referred to."""
    spoiled = spoil(
        resources="resources: {a: {agent: 'ocf:x:Y', meta: {x: 1}}, b: {agnt: 1}}\n",
        extra="constraints:\n  - order: {first: a, then: b}\n",
    )

    assert sorted(set(spoiled.codes())) == ["ambiguous-kind", "unknown-meta"]


def test_findings_of_all_sections_come_in_one_run(spoil):
    """Faults in every section are all reported together, sorted by place."""
    spoiled = spoil(
        cluster="cluster: {name: x, properties: {nonsense: 1}}\n",
        nodes="nodes: {n1: {adress: x}, n2: {}}\n",
        resources="resources: {a: {agent: nonsense}}\n",
        extra="constraints: [{order: {first: x, then: y}}]\n",
    )
    found = [one.position for one in spoiled.loaded.diagnostics]

    assert {"unknown-property", "unknown-field", "invalid-agent", "unknown-resource"} <= set(
        spoiled.codes()
    )
    assert found == sorted(found)


def test_consent_lets_nodes_be_unfenceable(spoil):
    """A node may do without a fence device where somebody says why."""
    spoiled = spoil(
        nodes="nodes: {n1: {unfenceable: {accept: 'it has no power of its own'}}, n2: {}}\n",
        fencing="fencing: {devices: {f2: {agent: fence_x, hosts: [n2]}}}\n",
    )

    assert spoiled.codes() == []


def test_consent_lets_quorum_be_ignored(spoil):
    """no-quorum-policy: ignore is accepted with a reason."""
    spoiled = spoil(
        cluster="cluster: {name: x, properties: {no-quorum-policy: ignore}, "
        "ignore-quorum: {accept: 'one shared box'}}\n"
    )

    assert spoiled.codes() == []


def test_agent_outside_of_the_lock_is_a_warning(spoil):
    """With a lock file, an agent that is not in it is pointed out with the nearest one."""
    from reconciler.agents import lock
    from reconciler.manifest import load

    text = spoil(resources="resources: {a: {agent: 'ocf:x:Why'}}\n").text
    known = agent.Metadata(agent.AgentName("ocf", "x", "Whyy"))
    loaded = load.load_texts({"m.yaml": text.encode(), "agents.lock": lock.write([known]).encode()})
    found = [one for one in loaded.diagnostics if one.code == "unknown-agent"]

    assert found[0].nearest == ("ocf:x:Whyy",)
    assert found[0].severity is diagnostic.Severity.WARNING


def test_broken_lock_file_is_named(spoil):
    """A lock file that cannot be read is an error at the lock file."""
    from reconciler.manifest import load

    loaded = load.load_texts({"m.yaml": spoil().text.encode(), "d/agents.lock": b"{"})

    assert [(one.code, one.position.file) for one in loaded.diagnostics] == [
        ("lock-file", "d/agents.lock")
    ]


def test_equal_colocation_loops_are_only_noted(spoil):
    """Resources that follow each other with the same score are no error."""
    spoiled = spoil(
        extra="constraints:\n  - colocation: {resource: a, with: b, score: 5}\n"
        "  - colocation: {resource: b, with: a, score: 5}\n"
    )

    assert spoiled.loaded.desired is not None
    assert [one.severity for one in spoiled.find("colocation-loop")] == [diagnostic.Severity.NOTE]


def test_two_ports_in_one_level_are_whole(spoil):
    """Two ports of one device for one node are sound when one level switches both."""
    spoiled = spoil(
        fencing="fencing:\n  devices:\n    f2: {agent: fence_x, hosts: [n2]}\n"
        "    p1: {agent: fence_p, params: {ip: 10.0.0.9}, hosts: {n1: 1}}\n"
        "    p2: {agent: fence_p, params: {ip: 10.0.0.9}, hosts: {n1: 2}}\n"
        "  levels: {n1: [[p1, p2]]}\n"
    )

    assert spoiled.codes() == []


def test_nodes_made_by_resources_are_known(spoil):
    """A constraint may name a guest node or a remote node that a resource makes."""
    spoiled = spoil(
        resources="resources:\n  a: {agent: 'ocf:x:Y', meta: {remote-node: guest}}\n"
        "  far: {agent: 'ocf:pacemaker:remote'}\n  b: {agent: 'ocf:x:Y'}\n",
        extra="constraints:\n  - location: {resource: b, prefers: {guest: 5, far: 6}}\n",
    )

    assert spoiled.codes() == []


def test_cycles_of_a_large_graph_are_found_soon(spoil):
    """A long chain of orders that closes to a circle is reported once."""
    names = [f"r{number:04}" for number in range(2_000)]
    entries = "".join(f"  {name}: {{agent: 'ocf:x:Y'}}\n" for name in names)
    chain = "".join(
        f"  - order: {{first: {first}, then: {then}}}\n"
        for first, then in zip(names, names[1:] + names[:1], strict=True)
    )
    spoiled = spoil(resources=f"resources:\n{entries}", extra=f"constraints:\n{chain}")

    assert spoiled.codes() == ["order-cycle"]
    assert len(spoiled.find("order-cycle")[0].related) == 2_000
