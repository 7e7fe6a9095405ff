"""The journal keeps entries durably, for their owner only, and reads past damage."""

import multiprocessing
import stat

import pytest

from reconciler.journal.file import FileJournal
from reconciler.ports.journal import Entry


def _keep(text):
    return text


@pytest.fixture
def path(tmp_path):
    """Where the journal is to be written; the folder does not exist yet."""
    return tmp_path / "state" / "journal.jsonl"


def test_entries_come_back_in_their_order(path):
    """What was appended is read back, oldest first."""
    journal = FileJournal(path, redact=_keep)
    written = [Entry(float(n), "run", "action-ended", {"n": n}) for n in range(5)]
    for entry in written:
        journal.append(entry)

    assert list(journal.read()) == written
    assert list(journal.read(limit=2)) == written[-2:]


def test_no_journal_is_an_empty_history(path):
    """Before the first run the history is empty, not an error."""
    assert list(FileJournal(path, redact=_keep).read()) == []


def test_only_the_owner_can_read_it(path):
    """Directory 0700, file 0600."""
    FileJournal(path, redact=_keep).append(Entry(1.0, "r", "e"))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_symbolic_link_is_not_followed(path, tmp_path):
    """Nobody can have the journal write into another file."""
    target = tmp_path / "elsewhere"
    target.write_text("")
    path.parent.mkdir()
    path.symlink_to(target)

    with pytest.raises(OSError, match="symbolic links"):
        FileJournal(path, redact=_keep).append(Entry(1.0, "r", "e"))

    assert target.read_text() == ""


@pytest.mark.parametrize("damage", [b'{"torn', b"\xff\xfe\n", b'{"format_version": 99}\n', b"[]\n"])
def test_damaged_lines_lose_only_themselves(path, damage):
    """A torn or foreign line does not hide the entries around it."""
    journal = FileJournal(path, redact=_keep)
    journal.append(Entry(1.0, "r", "first"))
    with path.open("ab") as file:
        file.write(damage)
    journal.append(Entry(2.0, "r", "second"))

    assert [entry.event for entry in journal.read()] == ["first", "second"]


def test_secrets_are_cut_out_before_they_are_written(path):
    """The redactor sees every line before the disk does."""
    journal = FileJournal(path, redact=lambda text: text.replace("canary", "(redacted)"))
    journal.append(Entry(1.0, "r", "e", {"message": "password canary refused"}))

    assert b"canary" not in path.read_bytes()
    assert journal.read()[0].body["message"] == "password (redacted) refused"


def test_it_rotates_when_it_grows(path):
    """The file is bounded; the last one before is kept."""
    journal = FileJournal(path, redact=_keep, largest=500)
    for n in range(30):
        journal.append(Entry(float(n), "r", "e", {"n": n}))

    assert path.stat().st_size < 700
    kept = [entry.body["n"] for entry in journal.read()]
    assert kept == list(range(kept[0], 30))
    assert len(kept) >= 5


def _append_many(path, run):
    journal = FileJournal(path, redact=_keep)
    for n in range(50):
        journal.append(Entry(float(n), run, "e", {"n": n}))


def test_two_processes_do_not_tear_each_other_s_lines(path):
    """Entries of processes that write at once all come back whole."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(path, f"run{i}")) for i in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    entries = FileJournal(path, redact=_keep).read()
    for run in ("run0", "run1"):
        assert [entry.body["n"] for entry in entries if entry.run == run] == list(range(50))
