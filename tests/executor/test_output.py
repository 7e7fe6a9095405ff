"""What agents write, made fit to keep and to show."""

import os

import pytest

from reconciler.executor import output


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain\n\ttext", "plain\n\ttext"),
        ("grün".encode(), "grün"),
        (b"\xff\x00\x1b[0m\r", "\\xff\\x00\\x1b[0m\\r"),
        ("\u202e\u2028".encode(), "\\u202e\\u2028"),
    ],
)
def test_only_printable_text_is_shown(raw, text):
    """Control, bidirectional and invalid bytes are escaped."""
    assert output.shown(raw) == text


@pytest.mark.parametrize(
    "said",
    [
        "key p&s/w 'o' rd",
        "cGFzcw== then cCZzL3cgJ28nIHJk",
        "p%26s%2Fw%20%27o%27%20rd and p%26s%2Fw+%27o%27+rd",
        "p&s/w '\\''o'\\'' rd",
    ],
)
def test_secrets_are_struck_out_in_every_form(said):
    """A secret is found as it is, quoted for a shell, for a URL, and in base64."""
    shown = output.redacted(said, ["p&s/w 'o' rd"])

    assert "******" in shown
    for form in ("p&s/w", "p%26s", "cCZz"):
        assert form not in shown


def test_very_short_values_are_left():
    """A value of one or two characters would strike out every text."""
    assert output.redacted("a1b2", ["1", ""]) == "a1b2"


def test_the_tail_is_kept():
    """Of long output the end is kept, errors last, within 4 KiB."""
    text = output.combined("o" * 5000, "ä" * 3000 + "the end")

    assert text.endswith("the end")
    assert len(text.encode()) <= output.TAIL_MAX


def test_a_file_that_grows_is_cut(tmp_path):
    """A file past its limit is cut, its end is remembered, and what follows is appended."""
    capture = output.Capture(str(tmp_path))
    os.write(capture.writers[0], b"x" * (output.FILE_MAX + 1) + b"before")

    capture.trim()
    os.write(capture.writers[0], b" after")
    stdout, stderr = capture.read(12)

    assert (stdout, stderr) == (b"before after", b"")
    capture.hand_over()
    capture.close()


def test_a_file_somebody_holds_is_known(tmp_path):
    """It is noticed whether anything still has one of the files open."""
    capture = output.Capture(str(tmp_path))

    before = capture.held()
    capture.hand_over()

    assert (before, capture.held()) == (True, False)
    capture.close()


def test_memory_stands_in_for_a_disk(tmp_path):
    """Where no file can be made the output is caught in memory."""
    capture = output.Capture(str(tmp_path / "absent"))
    os.write(capture.writers[1], b"text")

    assert capture.read() == (b"", b"text")
    capture.hand_over()
    capture.close()
