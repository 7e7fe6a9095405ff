"""Watching manifest files, with the real file system."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil

import pytest

from reconciler.controller import files

PACE = files.Pace(quiet_s=0.1, cap_s=2.0, rescan_s=0.5, lock_cap_s=20.0)
HANG_S = 20.0


@contextlib.asynccontextmanager
async def following(*paths):
    """Yield a function that waits for the next change."""
    stop = asyncio.Event()
    told = files.changes(paths, stop=stop, pace=PACE)

    async def collect():
        async for _ in told:
            heard.put_nowait(None)

    heard: asyncio.Queue[None] = asyncio.Queue()
    task = asyncio.ensure_future(collect())
    await asyncio.sleep(0.3)

    async def change(within=HANG_S):
        async with asyncio.timeout(within):
            await heard.get()

    yield change
    stop.set()
    async with asyncio.timeout(HANG_S):
        await task


@pytest.fixture
def folder(tmp_path):
    """A directory with one manifest."""
    made = tmp_path / "manifests"
    made.mkdir()
    (made / "a.yaml").write_text("one")
    return made


async def test_a_plain_write_is_told(folder):
    """Changed content is a change."""
    async with following(folder) as change:
        (folder / "a.yaml").write_text("two")
        await change()


async def test_a_new_file_in_a_new_directory_is_told(folder):
    """Directories that come later are watched too."""
    async with following(folder) as change:
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "b.yml").write_text("b")
        await change()


async def test_a_file_that_is_replaced_again_and_again_is_told_each_time(folder):
    """A watched file is not lost with its first replacement."""
    path = folder / "a.yaml"
    async with following(path) as change:
        for text in ("two", "three", "four"):
            fresh = folder / "fresh.tmp"
            fresh.write_text(text)
            fresh.replace(path)
            await change()


async def test_the_same_content_is_no_change(folder):
    """Touching a file, writing the same again, and other files are not told."""
    async with following(folder) as change:
        (folder / "a.yaml").write_text("one")
        (folder / "a.yaml").touch()
        (folder / "notes.txt").write_text("x")
        with pytest.raises(TimeoutError):
            await change(within=1.5)


async def test_a_link_that_is_swung_round_is_told(tmp_path):
    """A release switched by its symbolic link is a change, though no file has changed."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(name)
    link = tmp_path / "current"
    link.symlink_to("old")
    async with following(link) as change:
        (tmp_path / "next").symlink_to("new")
        (tmp_path / "next").replace(link)
        await change()


async def test_a_directory_that_is_made_again_is_told(folder):
    """A directory that is removed and made again is seen both times."""
    async with following(folder) as change:
        shutil.rmtree(folder)
        await change()
        folder.mkdir()
        (folder / "a.yaml").write_text("again")
        await change()


async def test_nothing_is_told_while_git_is_half_way_through(tmp_path, folder):
    """While .git/index.lock exists the files are not believed."""
    (tmp_path / ".git").mkdir()
    lock = tmp_path / ".git" / "index.lock"
    async with following(folder) as change:
        lock.touch()
        (folder / "a.yaml").write_text("half")
        with pytest.raises(TimeoutError):
            await change(within=1.5)
        lock.unlink()
        await change()


async def test_many_writes_are_one_change(folder):
    """A burst is told once, when it is over."""
    async with following(folder) as change:
        for number in range(30):
            (folder / f"{number}.yaml").write_text(str(number))
            await asyncio.sleep(0.01)
        await change()
        with pytest.raises(TimeoutError):
            await change(within=1.0)


def test_links_in_a_circle_end(folder):
    """A directory that holds itself is read once."""
    (folder / "self").symlink_to(folder)

    assert [one.name for one in files._manifests(folder)] == ["a.yaml"]


def test_what_cannot_be_read_is_no_error(folder):
    """A dangling link and a directory named like a manifest give a digest, not an exception."""
    (folder / "gone.yaml").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.txt")
    (folder / "d.yaml").mkdir()

    assert files.digest([folder]) == files.digest([folder])
