"""Files are replaced whole, private, locked with a deadline, and never half understood."""

import dataclasses
import os

import pytest

from reconciler.sandbox import layout, spec


def test_a_file_is_replaced_whole_and_private(tmp_path):
    """What is written is readable by its owner alone, and no temporary file stays."""
    path = tmp_path / "record"
    layout.write(path, "one")
    layout.write(path, "two")

    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_that_is_held_is_an_error_after_the_deadline(tmp_path):
    """Nobody waits for ever for another command."""
    refused = pytest.raises(spec.SandboxError, match="another sandbox command")
    with layout.locked(tmp_path / "lock", 1), refused, layout.locked(tmp_path / "lock", 0.05):
        pass

    with layout.locked(tmp_path / "lock", 0.05):
        pass


def test_a_cluster_survives_being_saved(tmp_path):
    """The record gives back what was recorded."""
    files = layout.Files.at(tmp_path)
    files.directory.mkdir()
    node = layout.NodeEntry("n1", "10.0.0.1", 24, None)
    cluster = layout.Cluster("demo", "demo-x", True, False, ("/a",), (), (node,))

    files.save(cluster)

    assert files.load() == cluster
    assert files.require().node("n1") == node


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"name": "x", "nodes": 3}'])
def test_a_damaged_record_is_an_error(tmp_path, text):
    """Nothing is guessed from a record that cannot be read."""
    files = layout.Files.at(tmp_path)
    files.directory.mkdir()
    files.record.write_text(text)

    with pytest.raises(spec.SandboxError, match="damaged"):
        files.load()


def test_labels_differ_by_directory_and_name(tmp_path):
    """Two sandboxes never share a namespace name, and the name fits a file name."""
    one, other = layout.Files.at(tmp_path / "a"), layout.Files.at(tmp_path / "b")
    labels = {one.label("demo"), other.label("demo"), one.label("other")}
    cluster = layout.Cluster("d", one.label("x" * 63), True, True, (), (), ())

    assert len(labels) == 3
    assert len(cluster.namespace("n" * 63)) <= 128
    assert cluster.switch != dataclasses.replace(cluster).namespace("switch")


def test_a_large_log_is_set_aside(tmp_path):
    """A log does not grow without limit over many boots."""
    path = tmp_path / "node.log"
    path.write_bytes(b"x" * (layout.LOG_BYTES_MAX + 1))

    descriptor = layout.open_log(path)

    assert path.stat().st_size == 0
    assert path.with_name("node.log.old").exists()
    os.close(descriptor)
