"""Secrets: found, referred to, warned of, and never shown."""

import json

import pytest

from reconciler.manifest import load, masking
from reconciler.model import secret

VALUE = "hunter2-correct-horse"


def shown(loaded):
    """Return everything of a run that could be printed."""
    return json.dumps([loaded.sources, [repr(one) for one in loaded.diagnostics]], default=str)


@pytest.mark.parametrize(
    "written",
    [
        f"password: {VALUE}",
        f"passwd: '{VALUE}'",
        f'api_key: "{VALUE}"',
        f"auth_token: {VALUE}",
        f"db_password: >-\n        {VALUE}",
        f"secret: |\n        {VALUE}\n        {VALUE}",
        f"password: [{VALUE}]",
        f"password: {{x: {VALUE}}}",
    ],
)
def test_inline_secret_is_refused_and_not_shown(spoil, written):
    """A secret in a manifest is an error, and neither findings nor source lines repeat it."""
    spoiled = spoil(
        resources=f"resources:\n  a:\n    agent: ocf:x:Y\n    params:\n      {written}\n"
        "  b: {agent: 'ocf:x:Y'}\n"
    )

    assert spoiled.loaded.desired is None
    if "{" not in written and "[" not in written:
        assert "inline-secret" in spoiled.codes()
        assert VALUE not in shown(spoiled.loaded)
    else:
        assert VALUE not in repr(spoiled.loaded.diagnostics)


def test_source_lines_hide_secrets_of_broken_files(spoil):
    """Also where the file is no YAML at all, lines that look like secrets are hidden."""
    spoiled = spoil(extra=f"x: {{ password: {VALUE}\n  b: ]\n")

    assert "yaml-syntax" in spoiled.codes()
    assert VALUE not in shown(spoiled.loaded)


def test_places_of_secrets_are_no_secrets(spoil):
    """Parameters that only say where a secret is are plain."""
    spoiled = spoil(
        resources="resources:\n  a: {agent: 'ocf:x:Y', params: {password_file: /etc/x, "
        "secret_id: 5}}\n  b: {agent: 'ocf:x:Y'}\n"
    )

    assert spoiled.codes() == []


@pytest.mark.parametrize(
    ("reference", "source", "parts"),
    [
        ("{env: NAME}", secret.SecretSource.ENV, ("NAME",)),
        ("{file: /etc/x}", secret.SecretSource.FILE, ("/etc/x",)),
        ("{exec: [/bin/echo, x y]}", secret.SecretSource.EXEC, ("/bin/echo", "x y")),
    ],
)
def test_references_are_kept(spoil, reference, source, parts):
    """Each kind of reference reaches the desired state as a reference."""
    spoiled = spoil(
        resources=f"resources:\n  a: {{agent: 'ocf:x:Y', params: {{p: {{secretRef: {reference}}}}}}}\n"
        "  b: {agent: 'ocf:x:Y'}\n"
    )
    (first, _) = spoiled.loaded.desired.resources

    assert first.params[0].pairs == {"p": secret.SecretRef(source, parts)}


def test_unavailable_secrets_are_warned_of(tmp_path, spoil):
    """A variable that is not set, an absent file, one that others read, a program that is not there."""
    open_file = tmp_path / "open"
    open_file.write_text(VALUE)
    open_file.chmod(0o644)
    good = tmp_path / "good"
    good.write_text(VALUE)
    good.chmod(0o600)
    names = {
        "p1": "{env: NOT_SET}",
        "p2": "{env: EMPTY}",
        "p3": "{env: SET}",
        "p4": f"{{file: {tmp_path}/absent}}",
        "p5": f"{{file: {open_file}}}",
        "p6": f"{{file: {good}}}",
        "p7": f"{{exec: [{tmp_path}/absent]}}",
        "p8": f"{{file: {tmp_path}}}",
    }
    params = ", ".join(f"{name}: {{secretRef: {ref}}}" for name, ref in names.items())
    text = spoil(
        resources=f"resources:\n  a: {{agent: 'ocf:x:Y', params: {{{params}}}}}\n"
        "  b: {agent: 'ocf:x:Y'}\n"
    ).text
    (tmp_path / "m.yaml").write_text(text)
    loaded = load.load([tmp_path / "m.yaml"], environment={"EMPTY": "", "SET": VALUE})
    messages = [one.message for one in loaded.diagnostics if one.code == "secret-unavailable"]

    assert loaded.desired is not None
    assert len(messages) == 6
    assert any("NOT_SET is not set" in one for one in messages)
    assert any("EMPTY is empty" in one for one in messages)
    assert any("readable by others (mode 0644)" in one for one in messages)
    assert VALUE not in shown(loaded)


def test_texts_touch_no_variable(spoil):
    """Loading contents looks for no secret anywhere."""
    spoiled = spoil(
        resources="resources:\n  a: {agent: 'ocf:x:Y', params: {p: {secretRef: {env: NOT_SET}}}}\n"
        "  b: {agent: 'ocf:x:Y'}\n"
    )

    assert spoiled.codes() == []


def test_short_secrets_do_not_blot_out_the_file(spoil):
    """A short secret is hidden in its own line; other lines keep their letters."""
    spoiled = spoil(
        resources="resources:\n  a: {agent: 'ocf:x:Y', params: {password: re}}\n"
        "  b: {agent: 'ocf:x:Y'}\n"
    )
    lines = spoiled.loaded.sources["m.yaml"]

    assert "resources:" in lines
    assert any(line.endswith("password: (hidden)") for line in lines)


def test_masked_lines_keep_references():
    """A reference is no secret and stays readable."""
    lines = ("password: {secretRef: {env: X}}", "  password:", "    secretRef:", "token: 3s")

    assert masking.masked(lines, []) == lines
