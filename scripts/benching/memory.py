"""Peak memory of the batch job and all its workers, sampled from outside while it runs. Linux: it reads /proc."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artwork_doors.benching.figures import Memory
from artwork_doors.benching.material import TINY_CLIP, random_checkpoint, small_pictures, write_catalog
from embed.errors import ArtworkMatcherError

if TYPE_CHECKING:
    from PIL import Image

PROC = Path("/proc")
DOOR = Path(__file__).parents[1] / "embed_artwork.py"
EVERY = 0.05  # seconds between samples


@dataclass(frozen=True)
class Peak:
    """What a command took while it ran."""

    bytes: int  # the largest sum of one sample
    kind: str  # PSS, or RSS where one of the processes did not tell its PSS
    processes: int  # at most at once
    seconds: float
    output: str  # its standard output


def peak_memory(command: Sequence[str], errors: Path) -> Peak:
    """Run a command to its end; its standard error goes to the file `errors`.

    Raises CalledProcessError where it fails, with the tail of what it said.
    """
    start = time.perf_counter()
    output = errors.with_name(f"{errors.name}-output")
    with output.open("w", encoding="utf-8") as out, errors.open("w", encoding="utf-8") as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        samples = []
        while process.poll() is None:
            samples.append(_sample(process.pid))
            time.sleep(EVERY)
    said = output.read_text(encoding="utf-8")
    if process.returncode:
        said = (errors.read_text(encoding="utf-8").strip() or said)[-500:]
        raise subprocess.CalledProcessError(process.returncode, command, said)
    top = max(samples, key=lambda sample: sample[0])
    kind = "PSS" if all(exact for _, exact, _ in samples) else "RSS"
    return Peak(top[0], kind, max(count for _, _, count in samples), time.perf_counter() - start, said)


def _sample(pid: int) -> tuple[int, bool, int]:
    """(bytes, whether all of it is PSS, processes) of a process and those that descend from it."""
    found = [memory for process in tree(pid) if (memory := memory_of(process))]
    return sum(size for size, _ in found), all(exact for _, exact in found), len(found)


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for one in found:  # grows while it is walked
        found += children.get(one, [])
    return found


def memory_of(pid: int) -> tuple[int, bool] | None:
    """(bytes, True) as PSS, (bytes, False) as RSS where PSS is not told, None where the process is no more."""
    for file, field, exact in (("smaps_rollup", "Pss:", True), ("status", "VmRSS:", False)):
        try:
            lines = (PROC / str(pid) / file).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(field):
                return int(line.split()[1]) * 1024, exact
    return None


def measure_memory(
    files: Sequence[int], sources: Sequence["Image.Image"], work: Path, say: Callable[[str], None]
) -> list[Memory]:
    """The peak of the real command over as many small files as each of `files` says, with a tiny tower, whose own share is small.

    Raises ArtworkMatcherError where the command fails or embeds less than everything, or where memory cannot be told.
    """
    if not PROC.is_dir():
        raise ArtworkMatcherError("no /proc, from which a process's memory is read; leave memory out of --only")
    pictures = work / "small"
    paths = small_pictures(pictures, max(files), sources)
    checkpoint = random_checkpoint(work / "tiny", TINY_CLIP)
    runs = []
    warm_up = [min(files)] if len(files) > 1 else []  # so that the exported tower is there for each that is compared
    for number, count in enumerate([*warm_up, *files]):
        catalog = write_catalog(work / f"catalog-{number}", paths[:count])
        run = _run(catalog, pictures, checkpoint, work / f"store-{number}", count)
        say(f"memory: {run.files} files, peak {run.peak / 2**20:.0f} MiB, {run.seconds:.0f} s")
        runs.append(run)
    return runs[len(warm_up) :]


def _run(catalog: Path, pictures: Path, checkpoint: Path, store: Path, count: int) -> Memory:
    command = [sys.executable, str(DOOR), str(catalog), "--pictures", str(pictures), "--store", str(store)]
    try:
        peak = peak_memory([*command, "--checkpoint", str(checkpoint), "--json"], store.with_suffix(".log"))
    except subprocess.CalledProcessError as error:
        raise ArtworkMatcherError(f"embed_artwork over {count} files ended with {error.returncode}: {error.output}") from error
    if (embedded := json.loads(peak.output)["embedded"]) != count:
        raise ArtworkMatcherError(f"embed_artwork embedded {embedded} of {count} files")
    return Memory(count, peak.bytes, peak.kind, peak.processes, round(peak.seconds, 1))
