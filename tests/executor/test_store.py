"""Durable documents: whole, or not believed."""

import pytest

from reconciler.executor import store


@pytest.fixture
def kept(tmp_path):
    """A store with one document."""
    made = store.Store(str(tmp_path), "history")
    made.save({"resources": {"a": 1}, "text": "ä\n"})
    return made


def test_what_is_saved_is_loaded(kept):
    """A document comes back as it was."""
    assert kept.load() == {"resources": {"a": 1}, "text": "ä\n"}


def test_no_file_is_no_document(tmp_path):
    """Where nothing was saved there is nothing."""
    assert store.Store(str(tmp_path), "history").load() is None


def test_a_file_torn_at_any_byte_is_corrupt(kept, tmp_path):
    """No prefix of a file is taken for a document."""
    path = tmp_path / "history"
    raw = path.read_bytes()
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(store.CorruptError):
            kept.load()


def test_a_changed_bit_is_corrupt(kept, tmp_path):
    """No changed bit in the content goes unnoticed."""
    path = tmp_path / "history"
    raw = path.read_bytes()
    for position in range(raw.index(b"\n") + 1, len(raw)):
        path.write_bytes(raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :])
        with pytest.raises(store.CorruptError):
            kept.load()


def test_a_newer_format_is_told_apart(kept, tmp_path):
    """A file of a newer version is not called corrupt."""
    path = tmp_path / "history"
    path.write_bytes(path.read_bytes().replace(b" 1 ", b" 2 ", 1))

    with pytest.raises(store.FutureFormatError):
        kept.load()


@pytest.mark.usefixtures("kept")
def test_another_kind_of_file_is_corrupt(tmp_path):
    """One document is not taken for another."""
    (tmp_path / "token").write_bytes((tmp_path / "history").read_bytes())

    with pytest.raises(store.CorruptError):
        store.Store(str(tmp_path), "token").load()


def test_links_are_not_followed(kept, tmp_path):
    """A link in place of the file is an error, for reading and for the file written beside."""
    path = tmp_path / "history"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic links"):
        kept.load()
    (tmp_path / "history.new").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        kept.save({})


def test_a_failed_save_leaves_the_old_document(kept, tmp_path):
    """When the new file cannot be written the old one is still whole."""
    (tmp_path / "history.new").mkdir()

    with pytest.raises(OSError, match="directory"):
        kept.save({"other": 1})
    assert kept.load() == {"resources": {"a": 1}, "text": "ä\n"}
