"""Logs are for people or for machines, and never hold a secret."""

import io
import json
import logging

import pytest
import structlog

from reconciler.telemetry import log


@pytest.fixture(autouse=True)
def _untouched_logging():
    """Give the process its logging back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _configured(log_format, **options):
    stream = io.StringIO()
    log.configure(
        stream,
        log_format=log_format,
        redact=lambda text: text.replace("canary", "(redacted)"),
        **options,
    )
    return stream


def test_json_lines_hold_the_fields_and_an_rfc_3339_time():
    """A machine reads one object a line."""
    stream = _configured(log.LogFormat.JSON)
    log.logger().info("action-began", node="ha-1")

    line = json.loads(stream.getvalue())
    assert (line["event"], line["node"], line["level"]) == ("action-began", "ha-1", "info")
    assert line["timestamp"].endswith("Z")


def test_console_lines_without_a_terminal_have_no_colours():
    """A file or pipe gets plain text."""
    stream = _configured(log.LogFormat.CONSOLE)
    log.logger().warning("node-lost", node="ha-1")

    assert "node-lost" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("log_format", list(log.LogFormat))
def test_secrets_are_cut_out_wherever_they_stand(log_format):
    """Event text, values, nested values and context are all redacted."""
    stream = _configured(log_format)
    structlog.contextvars.bind_contextvars(run="canary-run")
    log.logger().error("canary", where={"deep": ["a canary"]})
    logging.getLogger("pyghmi").error("login with %s failed", "canary")

    assert "canary" not in stream.getvalue()
    assert stream.getvalue().count("(redacted)") == 5


def test_tracebacks_do_not_print_local_variables():
    """A password in a local variable stays out of the log."""
    stream = _configured(log.LogFormat.JSON)
    password = "hunter2-" + "local"
    try:
        len(password) / 0
    except ZeroDivisionError:
        log.logger().exception("failed")

    assert "ZeroDivisionError" in stream.getvalue()
    assert password not in stream.getvalue()


def test_lines_of_libraries_pass_the_same_way():
    """A library's warning is a JSON line like our own, its debug chatter is dropped."""
    stream = _configured(log.LogFormat.JSON)
    logging.getLogger("asyncio").debug("chatter")
    logging.getLogger("asyncio").warning("slow callback")

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["slow callback"]
