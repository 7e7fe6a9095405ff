"""Secrets are read where they are used, with the checks that failed named and never the content."""

import base64
import os
import urllib.parse

import pytest

from reconciler.model.secret import SecretRef, SecretSource
from reconciler.ports.secrets import SecretUnavailableError
from reconciler.secrets.store import Store


def _file(path):
    return SecretRef(SecretSource.FILE, (str(path),))


@pytest.fixture
def secret_file(tmp_path):
    """A file that holds a secret, readable by its owner alone."""
    path = tmp_path / "password"
    path.write_text("correct horse\n")
    path.chmod(0o600)
    return path


def test_plain_values_pass_unchanged():
    """A value that is no reference is returned as it is."""
    assert Store().resolve("plain") == "plain"


def test_a_file_is_read_without_its_last_newline(secret_file):
    """The newline that an editor adds is not part of the secret."""
    assert Store().resolve(_file(secret_file)) == "correct horse"


def test_an_environment_variable_is_read_at_each_use():
    """A changed variable counts at once."""
    environment = {"IPMI": "one1"}
    store = Store(environment)
    reference = SecretRef(SecretSource.ENV, ("IPMI",))
    assert store.resolve(reference) == "one1"

    environment["IPMI"] = "two2"

    assert store.resolve(reference) == "two2"


def test_a_program_s_output_is_the_secret():
    """The output of the program is the value; no shell is between."""
    reference = SecretRef(SecretSource.EXEC, ("/bin/echo", "$(id)", "x"))
    assert Store().resolve(reference) == "$(id) x"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_can_reach_is_refused_by_its_mode(secret_file, mode):
    """Whoever else may read or write the file makes it unusable, and the message says so."""
    secret_file.chmod(mode)

    with pytest.raises(SecretUnavailableError, match="chmod 600") as refused:
        Store().resolve(_file(secret_file))

    assert "horse" not in str(refused.value)


def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path):
    """Something that is no regular file is refused at once."""
    path = tmp_path / "fifo"
    os.mkfifo(path, 0o600)
    with pytest.raises(SecretUnavailableError, match="not a regular file"):
        Store().resolve(_file(path))


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (SecretRef(SecretSource.ENV, ("NO_SUCH",)), "NO_SUCH is not set"),
        (SecretRef(SecretSource.FILE, ("/nonexistent/x",)), "No such file"),
        (SecretRef(SecretSource.EXEC, ("/bin/false",)), "ended with status 1"),
        (SecretRef(SecretSource.EXEC, ("/nonexistent/x",)), "No such file"),
        (SecretRef(SecretSource.EXEC, ("/bin/true",)), "is empty"),
        (SecretRef(SecretSource.EXEC, ("/bin/printf", r"\377")), "not UTF-8"),
    ],
)
def test_the_failed_check_is_named(reference, words):
    """The message says which check failed."""
    with pytest.raises(SecretUnavailableError, match=words):
        Store({}).resolve(reference)


def test_resolved_secrets_are_cut_out_in_every_form():
    """Plain, base64, URL, quoted and per-line forms of a resolved secret are redacted."""
    value = "pa ss'wörd&=\nsecond line"
    store = Store({"S": value})
    store.resolve(SecretRef(SecretSource.ENV, ("S",)))
    leaks = [
        value,
        base64.b64encode(value.encode()).decode(),
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote_plus(value),
        "second line",
    ]

    redacted = store.redact(" | ".join(leaks))

    assert "ss'w" not in redacted
    assert not any(leak in redacted for leak in leaks)
    assert redacted.count("(redacted)") >= len(leaks)


def test_nothing_is_redacted_before_it_is_resolved():
    """Redaction knows only what was read in this process."""
    assert Store({"S": "hunter2hunter2"}).redact("hunter2hunter2") == "hunter2hunter2"
