"""Finding and reading files: what is missing, odd, too large, or outside of its tree."""

import os
import pathlib
import socket

import pytest

from reconciler.manifest import codes, files, load, reader

SOUND = (
    b"apiVersion: reconciler/v1\ncluster: {name: trial, properties: {fencing-enabled: false}}\n"
    b"nodes: {n1: {}}\nresources: {a: {agent: 'ocf:x:Y'}}\n"
)


def found(*paths):
    """Return codes and files of what is found at the paths."""
    loaded = load.load(paths, environment={})
    return [
        (one.code, one.position.file)
        for one in loaded.diagnostics
        if one.code != "fencing-disabled"
    ]


def write(path, content=SOUND):
    """Write a file with its directories."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_missing_path(tmp_path):
    """A path that does not exist is named."""
    assert found(tmp_path / "no") == [("file-missing", str(tmp_path / "no"))]


def test_missing_beside_existing(tmp_path):
    """One missing path refuses the run although the others are sound."""
    write(tmp_path / "a.yaml")
    loaded = load.load([tmp_path / "a.yaml", tmp_path / "b.yaml"], environment={})

    assert loaded.desired is None
    assert "file-missing" in [one.code for one in loaded.diagnostics]


def test_directory_without_manifests(tmp_path):
    """An empty directory is an error, never an empty cluster."""
    write(tmp_path / "notes.txt")

    assert found(tmp_path) == [("no-manifests", str(tmp_path))]


def test_no_paths_at_all():
    """No path at all is an error too."""
    assert [code for code, _ in found()] == ["no-manifests"]


def test_unreadable_file(tmp_path):
    """A file that may not be read is named, whoever asks."""
    path = write(tmp_path / "a.yaml")
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # root may read everything
        os.seteuid(65534)
    try:
        result = found(path)
    finally:
        os.seteuid(user)

    assert result == [("file-unreadable", str(path))]


def test_denied_file_says_who_and_how(tmp_path):
    """A refused permission becomes a finding with user and mode."""
    path = write(tmp_path / "a.yaml")
    path.chmod(0o600)
    findings = codes.Findings()
    files._Found(findings)._failed(str(path), PermissionError(13, "Permission denied"))

    assert findings.items[0].code == "file-unreadable"
    assert "mode 0600" in findings.items[0].message


def test_other_errors_keep_the_words_of_the_system(tmp_path):
    """Any other error of the system is told in its words."""
    findings = codes.Findings()
    files._Found(findings)._failed(str(tmp_path), OSError(5, "Input/output error"))

    assert "Input/output error" in findings.items[0].message


@pytest.mark.timeout(20)
def test_pipe_does_not_hang(tmp_path):
    """A pipe in the place of a manifest is refused at once."""
    os.mkfifo(tmp_path / "a.yaml")

    assert found(tmp_path / "a.yaml") == [("file-not-regular", str(tmp_path / "a.yaml"))]


def test_socket_and_device(tmp_path):
    """A socket and a device are refused."""
    path = tmp_path / "a.yaml"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path)) if len(str(path)) < 100 else pytest.skip("path too long")

        assert found(path) == [("file-not-regular", str(path))]
    assert found("/dev/zero") == [("file-not-regular", "/dev/zero")]


def test_file_above_the_limit(tmp_path):
    """A file above 1 MiB is refused before it is parsed."""
    path = write(tmp_path / "a.yaml", b"#" * (reader.MAXIMUM_BYTES + 1))

    assert found(path) == [("file-too-large", str(path))]


def test_tree_with_too_many_files(tmp_path, monkeypatch):
    """Too many files are one finding."""
    monkeypatch.setattr(files, "MAXIMUM_FILES", 3)
    for number in range(6):
        write(tmp_path / f"{number}.yaml", b"apiVersion: reconciler/v1\n")

    assert [code for code, _ in found(tmp_path)].count("tree-too-large") == 1


def test_tree_with_too_many_bytes(tmp_path, monkeypatch):
    """Too many bytes in all files are one finding."""
    monkeypatch.setattr(files, "MAXIMUM_TREE_BYTES", 100)
    for number in range(6):
        write(tmp_path / f"{number}.yaml", b"apiVersion: reconciler/v1\n" + b"#" * 50)

    assert [code for code, _ in found(tmp_path)].count("tree-too-large") == 1


def test_texts_have_the_same_limits(monkeypatch):
    """Contents that were read elsewhere are bounded in the same way."""
    monkeypatch.setattr(files, "MAXIMUM_FILES", 1)
    loaded = load.load_texts({"a.yaml": SOUND, "b.yaml": SOUND})

    assert [one.code for one in loaded.diagnostics] == ["tree-too-large"]


def test_link_out_of_the_tree(tmp_path):
    """A link that leaves the directory is refused and says where it leads."""
    outside = write(tmp_path / "outside.yaml")
    write(tmp_path / "in" / "a.yaml")
    (tmp_path / "in" / "b.yaml").symlink_to(outside)

    assert ("link-outside", str(tmp_path / "in" / "b.yaml")) in found(tmp_path / "in")


def test_directory_link_out_of_the_tree(tmp_path):
    """So is a link to a directory elsewhere."""
    write(tmp_path / "other" / "b.yaml")
    write(tmp_path / "in" / "a.yaml")
    (tmp_path / "in" / "more").symlink_to(tmp_path / "other")

    assert ("link-outside", str(tmp_path / "in" / "more")) in found(tmp_path / "in")


def test_links_in_a_circle(tmp_path):
    """Links that lead to each other are named."""
    write(tmp_path / "ok.yaml")
    (tmp_path / "a.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")

    assert [code for code, _ in found(tmp_path)] == ["link-outside", "link-outside"]


def test_dangling_link(tmp_path):
    """A link that leads nowhere is a missing file."""
    (tmp_path / "a.yaml").symlink_to(tmp_path / "gone.yaml")

    assert found(tmp_path) == [("file-missing", str(tmp_path / "a.yaml"))]


def test_links_inside_of_the_tree(tmp_path):
    """Mounted configuration maps, whose files are links inside of their directory, are read."""
    write(tmp_path / "..data_1" / "a.yaml")
    (tmp_path / "..data").symlink_to("..data_1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")

    assert found(tmp_path) == []


def test_directory_loop_ends(tmp_path):
    """A directory that holds a link to itself is read once."""
    write(tmp_path / "a.yaml")
    (tmp_path / "again").symlink_to(tmp_path)

    assert found(tmp_path) == []


def test_hidden_directories_and_other_files_are_skipped(tmp_path):
    """Only *.yaml and *.yml outside of hidden directories are manifests."""
    write(tmp_path / "a.yml")
    write(tmp_path / ".git" / "b.yaml", b"nonsense")
    write(tmp_path / ".c.yaml", b"nonsense")
    write(tmp_path / "d.txt", b"nonsense")

    assert found(tmp_path) == []


def test_deep_directories_end(tmp_path):
    """Directories that are nested too deeply are refused."""
    write(tmp_path / "a.yaml")
    write(pathlib.Path(tmp_path, *["d"] * 40, "b.yaml"))

    assert [code for code, _ in found(tmp_path)] == ["tree-too-large"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "yaml-empty"),
        (b"# only this\n", "yaml-empty"),
        (b"null\n", "yaml-empty"),
        (b"---\n...\n", "yaml-empty"),
        (b"[]\n", "top-level"),
        (b"text\n", "top-level"),
        (SOUND.decode().encode("utf-16"), "encoding"),
        (SOUND.decode().encode("utf-32"), "encoding"),
        (SOUND + b"# \xff\n", "encoding"),
        (b"\xef\xbb\xbf" + SOUND, "byte-order-mark"),
        (SOUND + b"# \xef\xbb\xbf\n", "forbidden-character"),
    ],
)
def test_contents_that_are_no_manifest(tmp_path, content, code):
    """Each kind of wrong content has its own code."""
    assert [one for one, _ in found(write(tmp_path / "a.yaml", content))] == [code]


def test_wrong_byte_has_its_place():
    """A byte that is no UTF-8 is given with offset, value, line and column."""
    loaded = load.load_texts({"a.yaml": b"apiVersion: x\nk: \xc3\xbc\xff\n"})
    (finding,) = loaded.diagnostics

    assert (finding.position.line, finding.position.column) == (2, 5)
    assert "0xff at offset 19" in finding.message


def test_byte_order_mark_is_accepted():
    """One byte order mark at the start is noted and accepted."""
    loaded = load.load_texts({"a.yaml": b"\xef\xbb\xbf" + SOUND})

    assert loaded.desired is not None


def test_too_many_values():
    """A file with too many values is refused before anything is built of them."""
    loaded = load.load_texts({"a.yaml": b"[" + b"a," * 250_000 + b"]"})

    assert [one.code for one in loaded.diagnostics] == ["yaml-nodes"]


def test_lock_file_beside_the_manifests_is_read(tmp_path):
    """An agents.lock in the directory, or beside the file, is read without being a manifest."""
    path = write(tmp_path / "a.yaml")
    write(tmp_path / "agents.lock", b"{}")

    assert [code for code, _ in found(tmp_path)] == ["lock-file"]
    assert [code for code, _ in found(path)] == ["lock-file"]


def test_digest_depends_on_names_and_contents():
    """The digest changes with a name or content and not with the order."""
    one = load.digest({"a": b"1", "b": b"2"})

    assert one == load.digest({"b": b"2", "a": b"1"})
    assert one != load.digest({"a": b"2", "b": b"1"})
    assert one != load.digest({"a": b"12", "b": b""})


def test_same_file_by_two_ways_is_read_once(tmp_path):
    """A directory and a file in it, or the same path written twice, are no double definition."""
    path = write(tmp_path / "a.yaml")

    assert found(tmp_path, path, f"{tmp_path}/./a.yaml") == []
