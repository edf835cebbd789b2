"""One Lance table on disk: commits that outlive a power cut, damage that is seen at opening, and the way back past it.

A commit is durable in this order: its data files are synced, then Lance makes the version visible, then its manifest and all
folders are synced, then the commit is recorded. Beside NAME.lance stand

NAME.commit.json    the version last committed, with size and sha256 of what it added; written whole or not at all
NAME.writing        during a write: what stood in the table before, so that what a killed one left there is known and removed
NAME.damaged/       what mending set aside, for a person to look at; nothing reads it

The newest version that is good is the table. Good is a version that the record names and whose files are as recorded; and one
that the record does not name (killed between Lance's commit and the record, or written with Lance by somebody else), if every
row in it can be read and is sound. Files that older commits added are not read again; each must be there in its full size.
Lance's transaction file is synced, but no condition: the manifest holds the transaction, too, and no row depends on the file.

One writer at a time, which `embed.locks` sees to; readers write nothing.
"""

import errno
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.encoder import UNIT_TOLERANCE
from embed.errors import StoreError

SMALL_FRAGMENTS = 64  # more of them are worth being put together
FRAGMENT_ROWS = 2**16  # a fragment of so many is left alone, so that tidying takes little memory and few rows move twice
VERSIONS = 8  # kept by tidying, which itself makes two: so at least five of other rows are there to fall back on
HASHED_WHOLE = 64 * 2**20  # bytes; of a larger file the two ends are hashed, so that opening stays quick: it was synced whole
HASHED_END = 2**20
READ_AHEAD = 2**23  # bytes of a table that is read in batches; Lance's own 2 GB would take up most tables whole
VERSION_HINT = "latest_version_hint.json"  # Lance looks there first and lists the folder where it is wrong or torn

_log = logging.getLogger(__name__)

Files = dict[str, int | None]  # path below the table to size in bytes, None where the manifest does not know it


class _Damage(Exception):
    """Why a version cannot be used."""


@dataclass(frozen=True)
class _Record:
    """The commit last made; `files` are its manifest and data files."""

    version: int
    files: dict[str, tuple[int, str]]  # path below the table to size in bytes and digest


@dataclass(frozen=True)
class _Found:
    """What stands in a table's folder."""

    dataset: Any  # at the newest good version; None where there is none
    damaged: dict[int, str]  # newer versions, and why they cannot be used
    record: _Record | None

    @property
    def is_recorded(self) -> bool:
        return self.dataset is not None and self.record is not None and self.record.version == self.dataset.version


def exists(path: Path) -> bool:
    """Whether the table was ever written, damaged or not; a first write that was killed left a folder, but no version."""
    return bool(_versions(path))


def version(path: Path) -> int:
    """The newest version's number, damaged or not; 0 where there is none. Cheap: it looks at names only."""
    return max(_versions(path), default=0)


def read(path: Path, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
    """The rows of the newest good version; `where` is a filter in SQL. Warns where a newer version is damaged.

    Raises StoreError where there is no table, where no version of it is good, or where a column is not there.
    """
    with _worded(path, "read", "check permissions and the names of columns, or restore it from a backup"):
        found = _find(path)
        if found.dataset is None:
            raise _nothing(path, found)
        if found.damaged:
            _log.warning("%s; the next run of the job that writes it mends it", _told(path, found))
        table: pa.Table = found.dataset.to_table(columns=columns and list(columns), filter=where)
        return table


def read_rows(path: Path, rows: np.ndarray, columns: Sequence[str]) -> pa.Table:
    """Some rows, (n,) ascending numbers of the rows that `read` gives, and as it gives them. Raises StoreError as it does."""
    with _worded(path, "read", "check permissions and the names of columns, or restore it from a backup"):
        found = _find(path)
        if found.dataset is None:
            raise _nothing(path, found)
        table: pa.Table = found.dataset.take(rows, columns=list(columns))
        return table


def batches(path: Path, columns: Sequence[str] | None = None, rows: int = 4096) -> Iterator[pa.RecordBatch]:
    """What `read` reads, at most so many rows at a time and in their order. Raises StoreError as it does."""
    with _worded(path, "read", "check permissions and the names of columns, or restore it from a backup"):
        found = _find(path)
        if found.dataset is None:
            raise _nothing(path, found)
        scanned = found.dataset.to_batches(
            columns=columns and list(columns),
            batch_size=rows,
            batch_readahead=2,
            fragment_readahead=1,
            io_buffer_size=READ_AHEAD,
        )
        yield from scanned


def replace(path: Path, rows: pa.Table | pa.RecordBatchReader) -> None:
    """Write the table anew, as one commit; readers see the old rows or the new. Mends first. A reader's rows are taken as they come.

    Raises StoreError where it cannot be written; the table is then as it was.
    """
    _write(path, rows, "overwrite")


def append(path: Path, rows: pa.Table) -> None:
    """Add rows, as one commit, or make the table; no rows are no commit. Mends first.

    Raises StoreError where it cannot be written or the rows are of another shape; the table is then as it was.
    """
    _write(path, rows, "append")


def drop(path: Path) -> None:
    """Remove the table. Killed meanwhile, it is there or it is not. Raises StoreError."""
    with _worded(path, "removed"):
        _record_path(path).unlink(missing_ok=True)
        _beside(path, ".writing").unlink(missing_ok=True)
        gone = _beside(path, ".dropped")
        shutil.rmtree(gone, ignore_errors=True)
        if path.is_dir():
            path.rename(gone)
            sync(path.parent)
            shutil.rmtree(gone, ignore_errors=True)


def mend(path: Path) -> str | None:
    """Make the newest good version the newest, and remove what a killed write left; returns (and warns) what was damaged.

    Damaged manifests are set aside, and where no version is good the whole folder: then there is no table any more. A job mends
    before it reads, so that it does again whatever was lost. Safe to be killed and called again; raises StoreError.
    """
    with _worded(path, "mended"):
        return _mend(path)[1]


def tidy(path: Path) -> None:
    """Put small fragments together where there are many, and drop old versions where there are many; mends first.

    The last VERSIONS versions stay. Room for the rows that move is needed. Raises StoreError; the table is then as it was.
    """
    with _worded(path, "tidied"):
        dataset, _ = _mend(path)
        if dataset is None:
            return
        small = [fragment for fragment in dataset.get_fragments() if fragment.physical_rows < FRAGMENT_ROWS]
        if len(small) > SMALL_FRAGMENTS:
            _compact(path, dataset)
        if len(_versions(path)) > 2 * VERSIONS:
            _drop_old_versions(path)


# ---- commits


def _write(path: Path, rows: Any, mode: str) -> None:
    with _worded(path, "written"):
        dataset, _ = _mend(path)
        if dataset is not None and mode == "append" and not len(rows):
            return
        _make_folder(path)
        _commit(path, lambda: _write_data(path, dataset, rows, mode), lambda change: _publish(path, dataset, change))


def _commit(path: Path, write: Callable[[], Any], publish: Callable[[Any], int]) -> None:
    """`write` data files, `publish` what it returned as a version, and see to it that both outlive a power cut."""
    before = _files(path)
    try:
        _note_write(path, before)
        change = write()
        data = _files(path) - before
        _sync(path, data)
        version = publish(change)
        added = _files(path) - before
        _sync(path, added - data)
        _write_record(path, version, added)
    except BaseException:
        with suppress(OSError):  # the error that matters is on its way; the next run removes what is still there
            _remove_leftovers(path)
        raise
    _beside(path, ".writing").unlink()


def _write_data(path: Path, dataset: Any, rows: Any, mode: str) -> Any:
    """The rows as data files that no version has yet; returns Lance's transaction."""
    from lance.fragment import write_fragments

    mode = mode if dataset is not None else "create"
    return write_fragments(rows, dataset if dataset is not None else str(path), mode=mode, return_transaction=True)


def _publish(path: Path, dataset: Any, transaction: Any) -> int:
    import lance

    return int(lance.LanceDataset.commit(dataset if dataset is not None else str(path), transaction).version)


def _note_write(path: Path, before: set[str]) -> None:
    """Not synced: what a power cut leaves, Lance itself removes when it is a week old and the table is tidied."""
    _beside(path, ".writing").write_text(json.dumps(sorted(before)), encoding="utf-8")


def _remove_leftovers(path: Path) -> None:
    """Remove the files of a write that did not come to its end, unless a version needs them."""
    note = _beside(path, ".writing")
    with suppress(FileNotFoundError, ValueError):  # no note, or a torn one: then nothing else was written
        before = set(json.loads(note.read_text(encoding="utf-8")))
        added = _files(path) - before
        for name in added - _still_needed(path, added):
            (path / name).unlink()
    note.unlink(missing_ok=True)


def _still_needed(path: Path, added: set[str]) -> set[str]:
    """Of files that a write added, those of versions that it added: older versions cannot need them."""
    needed: set[str] = set()
    for version, manifest in _versions(path).items():
        if manifest in added:
            needed |= {manifest, *(other for other in added if other.startswith("_transactions/"))}
            with suppress(_Damage):
                needed |= _needed(_open(path, version)).keys()
    return needed


# ---- tidying


def _compact(path: Path, dataset: Any) -> None:
    from lance.optimize import Compaction

    plan = Compaction.plan(dataset, {"target_rows_per_fragment": FRAGMENT_ROWS, "batch_size": 1024, "num_threads": 1})

    def publish(rewrites: list[Any]) -> int:
        Compaction.commit(dataset, rewrites)
        return int(dataset.version)

    _commit(path, lambda: [_rewrite(task, dataset) for task in plan.tasks], publish)


def _rewrite(task: Any, dataset: Any) -> Any:
    """Adjacent small fragments, of FRAGMENT_ROWS rows to twice as many, as one data file that no version has yet."""
    return task.execute(dataset)


def _drop_old_versions(path: Path) -> None:
    """All but the newest VERSIONS, with the files that only they need, and leftovers that are a week old."""
    import lance

    def clean_up() -> None:
        lance.dataset(str(path)).cleanup_old_versions(retain_versions=VERSIONS, error_if_tagged_old_versions=False)

    try:
        clean_up()
    except (OSError, ValueError):  # among others where an old manifest is damaged, which opening had no reason to look at
        _set_aside(path, [version for version in _versions(path) if not _opens(path, version)])
        clean_up()


def _opens(path: Path, version: int) -> bool:
    try:
        _open(path, version)
    except _Damage:
        return False
    return True


# ---- mending


def _mend(path: Path) -> tuple[Any, str | None]:
    """The dataset at its newest good version, or None; and what was damaged, if anything was."""
    found = _find(path)
    told = _told(path, found) if found.damaged else None
    if told:
        _log.warning("%s; what is damaged is kept in %s", told, _beside(path, ".damaged"))
    if found.dataset is None:
        if found.damaged:
            _set_table_aside(path)
        _record_path(path).unlink(missing_ok=True)
    else:
        _set_aside(path, found.damaged)
        if not found.is_recorded:
            _adopt(path, found.dataset)
    _remove_leftovers(path)
    return found.dataset, told


def _adopt(path: Path, dataset: Any) -> None:
    """Make a version durable whose commit was killed or was none of ours, and record it."""
    manifest, needed = _versions(path)[dataset.version], set(_needed(dataset))
    _sync(path, {*needed, manifest})
    if older := [version for version in _versions(path) if version < dataset.version]:
        with suppress(_Damage):
            needed -= _needed(_open(path, max(older))).keys()
    _write_record(path, dataset.version, {*needed, manifest})


def _set_aside(path: Path, damaged: Collection[int]) -> None:
    """Move the manifests of damaged versions out of Lance's way."""
    for version, manifest in _versions(path).items():
        if version in damaged:
            _move(path / manifest, _beside(path, ".damaged"), f"version-{version}", ".manifest")


def _set_table_aside(path: Path) -> None:
    if path.is_dir():
        _move(path, _beside(path, ".damaged"), path.stem, path.suffix)


def _move(path: Path, folder: Path, stem: str, suffix: str) -> None:
    """Move a file or folder into `folder` under a name that is free, durably."""
    _make_folder(folder)
    names = (f"{stem}{'.' * bool(count)}{count or ''}{suffix}" for count in range(1_000_000))
    path.rename(next(place for name in names if not (place := folder / name).exists()))
    sync(folder)
    sync(path.parent)


# ---- opening


def _find(path: Path) -> _Found:
    """The newest good version, and the damaged ones above it."""
    versions, record = _versions(path), _read_record(path)
    if record and record.version not in versions:
        versions = _versions(path)  # committed between the two looks
    damaged: dict[int, str] = {}
    if record and record.version > max(versions, default=0):
        damaged[record.version] = "it was committed, and its manifest is gone"
    sound: set[str] = set()  # fragments that need no reading
    if record and record.version in versions and record.version < max(versions):
        with suppress(_Damage):
            sound |= _fragments(_check(path, record.version, record, sound)).keys()
    for version in sorted(versions, reverse=True):
        try:
            return _Found(_check(path, version, record, sound), damaged, record)
        except _Damage as error:
            damaged[version] = str(error)
    return _Found(None, damaged, record)


def _check(path: Path, version: int, record: _Record | None, sound: set[str]) -> Any:
    """The dataset at that version; raises _Damage where it is not good. Adds to `sound` what it read."""
    if record and record.version == version:
        _check_digests(path, record.files)
    dataset = _open(path, version)
    _check_sizes(path, dataset)
    if not record or record.version != version:
        for key, fragment in _fragments(dataset).items():
            if key not in sound:
                _check_rows(fragment)
                sound.add(key)
    return dataset


def _open(path: Path, version: int) -> Any:
    import lance

    with _as_damage("its manifest cannot be read"):
        dataset = lance.dataset(str(path), version=version)
        _ = dataset.schema  # where Lance panics on some damaged manifests
        return dataset


def _check_digests(path: Path, files: dict[str, tuple[int, str]]) -> None:
    for name, expected in files.items():
        with _as_damage(name):
            found = _digest(path / name)
            if found[0] != expected[0]:
                raise ValueError(f"{found[0]} bytes where {expected[0]} were written")
            if found != expected:
                raise ValueError("other bytes than were written")


def _check_sizes(path: Path, dataset: Any) -> None:
    for name, size in _needed(dataset).items():
        with _as_damage(name):
            found = (path / name).stat().st_size
            if size is not None and found != size:
                raise ValueError(f"{found} bytes where the manifest says {size}")


def _check_rows(fragment: Any) -> None:
    """Read a whole fragment, one batch at a time; raises _Damage."""
    rows = 0
    with _as_damage(f"fragment {fragment.fragment_id} cannot be read"):
        for batch in fragment.to_batches(batch_size=2048, batch_readahead=2):
            rows += batch.num_rows
            _check_batch(batch)
        if rows != fragment.count_rows():
            raise ValueError(f"it has {rows} rows and should have {fragment.count_rows()}")


def _check_batch(batch: pa.RecordBatch) -> None:
    names = batch.schema.names
    if "vector" in names and pa.types.is_fixed_size_list(batch.schema.field("vector").type):
        vectors = (
            batch["vector"].flatten().to_numpy(zero_copy_only=False).reshape(-1, batch.schema.field("vector").type.list_size)
        )
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        if not (np.abs(lengths - 1) <= UNIT_TOLERANCE).all():  # in this form false for what is not finite, too
            raise ValueError("it has a vector that is not of unit length")
    if "sha256" in names and pc.any(pc.invert(pc.match_substring_regex(batch["sha256"], "^[0-9a-f]{64}$"))).as_py():
        raise ValueError("it has a sha256 that is none")


@contextmanager
def _as_damage(what: str) -> Iterator[None]:
    """Errors as _Damage, unless they come from outside the table: too many open files say nothing against a version."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # on some damaged bytes Lance panics, and pyo3's PanicException is no Exception
        if _system_error(error) not in (None, errno.ENOENT, errno.EIO):
            raise OSError(_plain(error)) from error
        raise _Damage(f"{what}: {_plain(error)}") from error


def _system_error(error: BaseException) -> int | None:
    """The system's number of an error; Lance has it in the text alone."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    code = re.search(r"os error (\d+)", str(error))
    return int(code[1]) if code else None


def _told(path: Path, found: _Found) -> str:
    versions = "; ".join(f"version {version} is damaged ({why})" for version, why in found.damaged.items())
    instead = f"version {found.dataset.version} is used instead" if found.dataset is not None else "no version is left"
    return f"{path}: {versions}; {instead}"


def _nothing(path: Path, found: _Found) -> StoreError:
    if not found.damaged:
        return StoreError(f"there is no table {path}; run the job that writes it")
    remedy = "run the job that writes it, which sets the damaged table aside and makes it anew, or restore it from a backup"
    return StoreError(f"{_told(path, found)}; {remedy}")


@contextmanager
def _worded(path: Path, done: str, remedy: str = "free space or check permissions and run again") -> Iterator[None]:
    """Errors of Lance and the system as StoreError."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, _Damage) as error:
        raise StoreError(f"{path} cannot be {done} ({_plain(error)}); {remedy}") from error


def _plain(error: BaseException) -> str:
    """An error's text on one line; Lance's without the place in its own source."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = re.sub(r",? *(location: )?/[^ ,]*\.rs:\d+:\d+", "", str(error))
    return " ".join(text.split()) or type(error).__name__


# ---- what Lance has on disk


def _versions(path: Path) -> dict[int, str]:
    """Each version's manifest, as a path below the table; detached ones are no versions."""
    folder = path / "_versions"
    names = [name for name in (os.listdir(folder) if folder.is_dir() else []) if name.endswith(".manifest")]
    return {_version(int(stem)): f"_versions/{name}" for name in names if (stem := name.removesuffix(".manifest")).isdecimal()}


def _version(number: int) -> int:
    """Lance names the manifest of a version 2**64 - 1 - version, so that the newest is listed first; older Lances, version."""
    return 2**64 - 1 - number if number >= 2**63 else number


def _fragments(dataset: Any) -> dict[str, Any]:
    """The fragments, by what decides their rows."""
    return {json.dumps(fragment.metadata.to_json(), sort_keys=True): fragment for fragment in dataset.get_fragments()}


def _needed(dataset: Any) -> Files:
    """The files below the table that a version's rows are in, without its manifest."""
    needed: Files = {}
    for fragment in dataset.get_fragments():
        if deletions := fragment.deletion_file():
            needed[deletions] = None
        for file in fragment.data_files():
            if file.base_id is None:  # else it is a file of another table that this one was cloned from
                needed[f"data/{file.path}"] = file.file_size_bytes
    return needed


def _files(path: Path) -> set[str]:
    """All files below the table, but for Lance's hint, which every commit replaces."""
    folders = ((os.path.relpath(folder, path), names) for folder, _, names in os.walk(path))
    return {os.path.normpath(f"{folder}/{name}") for folder, names in folders for name in names if name != VERSION_HINT}


# ---- the record


def _beside(path: Path, suffix: str) -> Path:
    return path.with_suffix(suffix)


def _record_path(path: Path) -> Path:
    return _beside(path, ".commit.json")


def _read_record(path: Path) -> _Record | None:
    """None where there is none, or where it is damaged: then the newest version is read instead."""
    try:
        record = json.loads(_record_path(path).read_text(encoding="utf-8"))
        return _Record(int(record["version"]), {name: (int(size), str(sha)) for name, (size, sha) in record["files"].items()})
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write_record(path: Path, version: int, added: set[str]) -> None:
    """Record the commit, with those of `added` that its rows need; returns when it is on the disk."""
    needed = {*_needed(_open(path, version)), _versions(path)[version]}
    files = {name: _digest(path / name) for name in sorted(needed & added)}
    beside = _beside(path, ".commit.json.new")
    try:
        beside.write_text(json.dumps({"version": version, "files": files}, indent=1), encoding="utf-8")
        sync(beside)
        beside.replace(_record_path(path))
    finally:
        beside.unlink(missing_ok=True)
    sync(path.parent)


def _digest(file: Path) -> tuple[int, str]:
    """Size in bytes and sha256; of a file over HASHED_WHOLE, of its two ends."""
    digest, size = hashlib.sha256(), file.stat().st_size
    with file.open("rb") as opened:
        if size <= HASHED_WHOLE:
            return size, hashlib.file_digest(opened, "sha256").hexdigest()
        digest.update(opened.read(HASHED_END))
        opened.seek(-HASHED_END, os.SEEK_END)
        digest.update(opened.read())
    return size, digest.hexdigest()


# ---- syncing


def _sync(path: Path, names: set[str]) -> None:
    """The files, and after them their folders, the table's, and the one that it is in."""
    for name in sorted(names):
        sync(path / name)
    for folder in [*sorted({(path / name).parent for name in names} - {path}), path, path.parent]:
        sync(folder)


def sync(path: Path) -> None:
    """Bring a file's bytes, or a folder's names, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """With its parents, each durable in the one above it."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)
