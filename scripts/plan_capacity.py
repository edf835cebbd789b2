"""From measured images/s to hours, machines, price and storage: `python scripts/plan_capacity.py --bench bench.json`."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from artwork_doors import console

app = console.door()

UNITS = {"k": 10**3, "M": 10**6, "B": 10**9}
FLOAT32 = 4  # bytes


@dataclass(frozen=True)
class Machine:
    """One kind of machine with one encoder."""

    kind: str  # CPU or GPU
    encoder: str
    images_per_second: float | None  # of one machine, embedding; None: not measured
    planned_per_second: float | None = None  # files hashed by the one machine that plans; None: taken as no time
    price: float | None = None  # of an hour


@dataclass(frozen=True)
class Work:
    """What a number of pictures takes on one kind of machine; None where its speed is not known."""

    kind: str
    encoder: str
    pictures: int
    planning: float | None  # hours of one machine, before the others begin
    embedding: float | None  # machine-hours
    hours: float | None  # of both, on the number of machines asked about
    machines: int | None  # to be done by the deadline; None, too, where planning alone takes longer
    reading: float | None  # MB/s on each machine that embeds
    price: float | None


@dataclass(frozen=True)
class Storage:
    """What a number of pictures takes of disks and network."""

    pictures: int
    vectors: float  # GB
    commits: int
    reading: float  # GB of a first run, which reads each file twice: to plan, and to decode


@app.command()
@console.reports_errors
def plan_capacity(
    bench: Annotated[
        list[Path] | None, typer.Option(help="What bench_embed.py --json gave on a machine; may be repeated.")
    ] = None,
    cpu_images_per_second: Annotated[float | None, typer.Option(help="Embedded by one CPU machine.")] = None,
    gpu_images_per_second: Annotated[float | None, typer.Option(help="Embedded by one GPU machine.")] = None,
    planned_per_second: Annotated[
        float | None, typer.Option(help="Files hashed by the machine that plans; --bench's, or no time at all, where silent.")
    ] = None,
    cpu_price: Annotated[float | None, typer.Option(min=0, help="Of an hour of one CPU machine, in any currency.")] = None,
    gpu_price: Annotated[float | None, typer.Option(min=0, help="Of an hour of one GPU machine.")] = None,
    pictures: Annotated[
        str, typer.Option(help="How many, divided by commas; k, M and B are thousands, millions, billions.")
    ] = ("2M,100M,1B"),
    machines: Annotated[int, typer.Option(min=1, help="Answer: how many hours on so many?")] = 10,
    hours: Annotated[float, typer.Option(min=0.01, help="Answer: how many machines for so many hours?")] = 24,
    kilobytes: Annotated[float, typer.Option(min=0.001, help="Average size of a picture file.")] = 200,
    dimension: Annotated[int, typer.Option(min=1, help="Numbers in a vector.")] = 512,
    as_json: console.AsJson = False,
) -> None:
    """Hours and machines for large catalogs. A speed is never assumed: it comes from --bench or from a flag, or its row says so.

    A first run is reckoned, which embeds everything. One machine plans: it reads every file. Embedding is taken to divide evenly
    among machines, which holds while storage delivers what they read.

    Exit code 0: planned; 2: could not run.
    """
    from embed.options import JobOptions

    given = [("CPU", cpu_images_per_second, cpu_price), ("GPU", gpu_images_per_second, gpu_price)]
    if any(speed is not None and speed <= 0 for speed in (cpu_images_per_second, gpu_images_per_second, planned_per_second)):
        raise typer.BadParameter("speeds must be above 0")
    known = _machines([one for path in bench or [] for one in _measured(path)], given, planned_per_second)
    numbers = [_number(name.strip()) for name in pictures.split(",")]
    works = [work(machine, number, machines, hours, kilobytes) for machine in known for number in numbers]
    stores = [storage(number, dimension, kilobytes, JobOptions().commit_every) for number in numbers]
    if as_json:
        about = {"machines": machines, "hours": hours, "kilobytes": kilobytes, "dimension": dimension}
        console.answer({**about, "work": [asdict(one) for one in works], "storage": [asdict(one) for one in stores]})
        return
    asked = (f"hours on {machines}", f"machines for {hours:g} h")
    columns = ("machine", "encoder", "pictures", "planning", "embedding", *asked, "each reads", "price")
    console.print_table("Machines", columns, [_work_row(one) for one in works])
    title = f"Storage: vectors of {dimension} float32, files of {kilobytes:g} kB"
    console.print_table(title, ("pictures", "vectors", "commits", "read, a first run"), [_storage_row(one) for one in stores])


def work(machine: Machine, pictures: int, machines: int, hours: float, kilobytes: float) -> Work:
    """Of that many pictures on one kind of machine."""
    speed, about = machine.images_per_second, (machine.kind, machine.encoder, pictures)
    if speed is None:
        return Work(*about, *(None,) * 6)
    embedding = pictures / speed / 3600
    planning = pictures / machine.planned_per_second / 3600 if machine.planned_per_second else 0.0
    enough = math.ceil(embedding / (hours - planning)) if planning < hours else None
    price = None if machine.price is None else (planning + embedding) * machine.price
    return Work(*about, planning, embedding, planning + embedding / machines, enough, speed * kilobytes / 1000, price)


def storage(pictures: int, dimension: int, kilobytes: float, commit_every: int) -> Storage:
    """Of that many pictures, whatever embeds them."""
    vectors = pictures * dimension * FLOAT32 / 1e9
    return Storage(pictures, vectors, math.ceil(pictures / commit_every), 2 * pictures * kilobytes / 1e6)


def _machines(
    measured: Sequence[Machine], given: Sequence[tuple[str, float | None, float | None]], planned: float | None
) -> list[Machine]:
    """What was measured and what was given; a kind with neither has a row that says so."""
    found = []
    for kind, speed, price in given:
        some = [one for one in measured if one.kind == kind]
        if speed is not None:
            some.append(Machine(kind, "as given", speed))
        for one in some or [Machine(kind, "", None)]:
            found.append(replace(one, planned_per_second=planned or one.planned_per_second, price=price))
    return found


def _measured(path: Path) -> list[Machine]:
    """The machine that bench_embed ran on, with each of its encoders."""
    from embed.errors import ArtworkMatcherError

    try:
        return [_with_encoder(one) for one in json.loads(path.read_text(encoding="utf-8"))["encoders"]]
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise ArtworkMatcherError(f"{path} is not what bench_embed.py --json gives ({error!r}); run it again") from error


def _with_encoder(one: dict[str, Any]) -> Machine:
    """Its speeds over the pictures of a benchmark, less what is done once in a run."""
    from artwork_doors.benching.figures import JOB

    kind, seconds, pictures = "CPU" if one["device"] == "cpu" else "GPU", one["seconds"], int(one["pictures"][JOB])
    planned = pictures / seconds["plan"] if seconds["plan"] else None
    return Machine(kind, one["encoder"], pictures / (seconds["embed"] - seconds["measure"]), planned)


def _number(text: str) -> int:
    unit = UNITS.get(text[-1:], 1)
    try:
        number = round(float(text[:-1] if text[-1:] in UNITS else text) * unit)
    except (ValueError, OverflowError):
        number = 0
    if number < 1:
        raise typer.BadParameter(f"--pictures: {text!r} is no number of pictures such as 2M")
    return number


def _work_row(one: Work) -> tuple[str, ...]:
    about = (one.kind, one.encoder, f"{one.pictures:,}")
    if one.embedding is None:
        return (*about, "", f"not measured; give --{one.kind.lower()}-images-per-second", "", "", "", "")
    machines = "planning takes longer" if one.machines is None else f"{one.machines:,}"
    price = "" if one.price is None else f"{one.price:,.2f}"
    spent = f"{one.planning:,.1f} h", f"{one.embedding:,.1f} h"
    return (*about, *spent, f"{one.hours:,.1f}", machines, f"{one.reading:,.1f} MB/s", price)


def _storage_row(one: Storage) -> tuple[str, ...]:
    return (f"{one.pictures:,}", f"{one.vectors:,.1f} GB", f"{one.commits:,}", f"{one.reading:,.0f} GB")


def main() -> None:
    """Not a console command: it belongs to the benchmark."""
    app()


if __name__ == "__main__":
    main()
