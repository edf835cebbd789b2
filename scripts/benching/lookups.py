"""Page lookups measured side by side: one catalog after another, all contenders in turn over the same fresh pages."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from artwork_doors.benching import catalogs
from artwork_doors.benching.catalogs import DRAWN, UNIFORM, Catalog
from artwork_doors.benching.children import Child, Unavailable, child, settle
from artwork_doors.benching.figures import Series
from artwork_doors.benching.lookup_child import BANDWIDTH
from artwork_doors.benching.peers import CONTENDERS, OURS, Contender, cores
from artwork_doors.benching.truth import Truth, half_precision_agreement, right, truth_of

CHILD = Path(__file__).with_name("lookup_child.py")
VECTORS = "vectors.npy"  # of all catalogs
INTERESTS = (1, 4)
MOST_CALLS = 200  # of a contender in a round
CHECKED = 5000  # titles of a round whose answers are held against the truth
BUFFER = 512  # MiB that the machine's memory is measured with: no cache holds them
HALVED = 20_000  # titles that half precision is judged by
SHARE = 0.8  # of the memory that is free, for one contender: answering takes some, too

Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """How long it takes and who runs."""

    rounds: int = 3
    seconds: float = 0.25  # of each contender, with each sort of page in each round
    loading: float = 30.0  # seconds that a contender may take for a catalog, or for one answer
    only: tuple[str, ...] = tuple(CONTENDERS)
    peers_python: Path | None = None  # the interpreter in which the peers are installed


@dataclass(frozen=True)
class Sort:
    """A sort of page."""

    titles: int
    interests: int = 1


@dataclass(frozen=True)
class Lookups:
    """One contender with one sort of page of one catalog. A series has a value for each round."""

    contender: str
    titles: int  # of a page
    interests: int
    cores: int
    p50: Series  # ms
    p99: float  # ms, of all calls
    calls: int
    titles_per_second: Series  # answered
    bytes_per_second: Series  # of vectors read
    bandwidth: Series | None  # bytes/s of the machine's memory at the time; None where one core was measured
    agreement: float  # the share of titles with the right artwork
    over_one: Series | None = None  # of several interests: p50 over that of one, with pages of both in turn


@dataclass(frozen=True)
class MeasuredCatalog:
    """All that was asked of one catalog."""

    kind: str
    artworks: int
    titles: int
    lookups: tuple[Lookups, ...]
    left_out: tuple[int, ...]  # titles of pages that it is too small for
    notes: dict[str, str] = field(default_factory=dict)  # by contender: why it was not measured, or not to the end
    versions: dict[str, str] = field(default_factory=dict)
    half_precision: float | None = None  # agreement of the best artwork per title, vectors kept as float16


@dataclass(frozen=True)
class Load:
    """What a contender took to load a catalog."""

    artworks: int
    seconds: float
    bytes: int  # of memory


@dataclass
class Known:
    """What earlier catalogs have told of the contenders, by their names."""

    loads: dict[str, Load] = field(default_factory=dict)
    failed: dict[str, tuple[int, str]] = field(default_factory=dict)  # artworks that it did not load, and why

    def refuse(self, contender: Contender, artworks: int, allowance: float, free: float) -> None:
        """Raises Unavailable where it cannot hold so many, or would not within its seconds or the bytes of memory that are free."""
        if contender.most and artworks > contender.most:
            raise Unavailable(f"only up to {contender.most:,} artworks: beyond, a page takes it seconds")
        fewest, why = self.failed.get(contender.name, (artworks + 1, ""))
        if artworks >= fewest:
            raise Unavailable(why)
        load = self.loads.get(contender.name, Load(artworks, 0.0, 0))
        times = artworks / load.artworks
        before = f"loading {load.artworks:,} took"
        if load.seconds * times > allowance:
            raise Unavailable(f"{before} {load.seconds:.1f} s: {artworks:,} would take more than its {allowance:g} s")
        if load.bytes * times > free:
            raise Unavailable(
                f"{before} {load.bytes / 1e9:.1f} GB: {artworks:,} would take more than the {free / 1e9:.1f} GB there are"
            )


def measure_catalogs(
    artworks: Sequence[int], pages: Sequence[int], settings: Settings, work: Path, say: Say = lambda line: None
) -> list[MeasuredCatalog]:
    """Drawn catalogs of every size; a uniform one of the largest; and of the next, with those that cannot hold the largest.

    The vectors are written to `work`.
    """
    sizes, known, found = sorted(artworks), Known(), []
    say(f"making {sizes[-1]:,} vectors")
    vectors = catalogs.write_vectors(work / VECTORS, sizes[-1])
    plan = [(Catalog(DRAWN, size), settings) for size in sizes] + [(Catalog(UNIFORM, sizes[-1]), settings)]
    for catalog, chosen in plan:
        found.append(measure_catalog(catalog, vectors, pages, chosen, known, say))
    if len(sizes) > 1 and (rest := _who_holds_less(found[-1], sizes[-2], settings, known)):
        beside = replace(settings, only=(*(name for name in settings.only if name == OURS), *rest))
        found.append(measure_catalog(Catalog(UNIFORM, sizes[-2]), vectors, pages, beside, known, say))
    return found


def _who_holds_less(largest: MeasuredCatalog, artworks: int, settings: Settings, known: Known) -> list[str]:
    """Those that were not measured with the largest catalog, and may be with one of so many."""
    measured, found = {one.contender for one in largest.lookups}, []
    for name in settings.only:
        with suppress(Unavailable):
            known.refuse(CONTENDERS[name], artworks, settings.loading, free_memory())
            found += [name] if name not in measured else []
    return found


def measure_catalog(
    catalog: Catalog, vectors: Path, pages: Sequence[int], settings: Settings, known: Known, say: Say = lambda line: None
) -> MeasuredCatalog:
    """All contenders with all cores, round after round; then with one core, a single round of one interest."""
    first_rows = catalog.first_rows()
    fitting = [titles for titles in pages if titles < len(first_rows)]
    one = MeasuredCatalog(catalog.kind, catalog.artworks, len(first_rows) - 1, (), tuple(sorted(set(pages) - set(fitting))))
    if one.left_out:
        say(f"{catalog.kind} {catalog.artworks:,}: has {one.titles:,} titles; left out: pages of {_listed(one.left_out)}")
    truths = Truths(catalogs.read_vectors(vectors, catalog.artworks), first_rows)
    lookups: list[Lookups] = []
    notes: dict[str, str] = {}
    versions: dict[str, str] = {}
    for used in sorted({1, cores()}, reverse=True):
        chosen = settings if used == cores() else replace(settings, rounds=1)
        sorts = [Sort(titles, interests) for titles in fitting for interests in INTERESTS if interests == 1 or used == cores()]
        with opened(catalog, vectors, used, chosen, known, say) as running:
            for sort in sorts:
                lookups += measure_sort(running, sort, chosen, truths)
                say(f"{catalog.kind} {catalog.artworks:,}, {used} of {cores()} cores: {_line(sort, lookups, used)}")
        measured = {found.contender for found in lookups}
        notes |= {
            name: f"{why} (with {used} of {cores()} cores)" if name in measured else why for name, why in running.notes.items()
        }
        versions |= running.versions
    return replace(one, lookups=tuple(lookups), notes=notes, versions=versions, half_precision=truths.half_precision())


@dataclass
class Running:
    """The contenders that have a catalog loaded, each in its process."""

    cores: int
    children: dict[str, Child] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def drop(self, name: str, why: str) -> None:
        """It is not asked again."""
        self.children.pop(name, None)
        self.notes[name] = why


@dataclass(frozen=True)
class Opening:
    """What it takes to open contenders."""

    stack: ExitStack  # that ends their processes
    scratch: Path
    settings: Settings
    known: Known


@contextmanager
def opened(catalog: Catalog, vectors: Path, used: int, settings: Settings, known: Known, say: Say) -> Iterator[Running]:
    """Every contender that can be had, loaded; and the one that reads the memory."""
    running = Running(used)
    with tempfile.TemporaryDirectory(prefix="bench_index-", ignore_cleanup_errors=True) as scratch, ExitStack() as stack:
        opening = Opening(stack, Path(scratch), settings, known)
        for name in (BANDWIDTH, *settings.only):
            try:
                running.children[name] = _load(name, catalog, vectors, running, opening)
            except Unavailable as why:
                running.notes[name] = str(why)
                say(f"{catalog.kind} {catalog.artworks:,}, {used} of {cores()} cores: {name} is left out: {why}")
        yield running


def _load(name: str, catalog: Catalog, vectors: Path, running: Running, opening: "Opening") -> Child:
    """Raises Unavailable, and remembers it."""
    contender, settings, known = CONTENDERS.get(name), opening.settings, opening.known
    if contender is None:  # the one that reads the memory
        process = _start(name, sys.executable, running, opening)
        process.ask({"load": {"mib": BUFFER}}, settings.loading)
        return process
    known.refuse(contender, catalog.artworks, settings.loading, SHARE * free_memory())
    python = sys.executable if contender.here else settings.peers_python or sys.executable
    try:
        process = _start(name, python, running, opening)
    except Unavailable as why:
        remedy = "" if contender.here or settings.peers_python else "; give --peers-python"
        known.failed[name] = 0, f"{why}{remedy}"
        raise Unavailable(f"{why}{remedy}") from None
    load = {"vectors": str(vectors), "kind": catalog.kind, "artworks": catalog.artworks}
    try:
        took = process.ask({"load": load}, settings.loading)
    except Unavailable as why:
        known.failed[name] = catalog.artworks, f"loading {catalog.artworks:,}: {why}"
        raise Unavailable(f"loading {catalog.artworks:,}: {why}") from None
    known.loads[name] = Load(catalog.artworks, took["seconds"], took["bytes"])
    return process


def _start(name: str, python: str | Path, running: Running, opening: "Opening") -> Child:
    """Its process, with its libraries imported. Raises Unavailable."""
    own = opening.scratch / name
    own.mkdir()
    command = [str(python), str(CHILD), name, str(running.cores), str(own)]
    errors = opening.scratch / f"{name}.log"
    process = opening.stack.enter_context(child(command, errors, _threads(running.cores)))
    running.versions |= process.answer(opening.settings.loading)["versions"]
    return process


def free_memory() -> float:
    """Bytes that can be had without swapping; without end where nobody tells."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return float("inf")
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")) or float("inf")


def _threads(used: int) -> Mapping[str, str]:
    """What the libraries read before they count cores."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "LANCE_CPU_THREADS")
    return dict.fromkeys((*names, "TOKIO_WORKER_THREADS"), str(used))


def measure_sort(running: Running, sort: Sort, settings: Settings, truths: "Truths") -> list[Lookups]:
    """All contenders that know such pages, in turn, again and again; their answers are judged when all have spoken."""
    asked = [name for name in running.children if name != BANDWIDTH and _knows(CONTENDERS[name], sort)]
    rounds: dict[str, list[list[dict[str, Any]]]] = {name: [] for name in asked}
    bandwidth = []
    for number in range(settings.rounds):
        readings = []
        for name in [name for name in asked if name in running.children]:
            readings += _read_memory(running, settings)
            try:
                rounds[name].append(_ask(running.children[name], sort, number, settings))
            except Unavailable as why:
                running.drop(name, f"{sort.titles:,} titles: {why}")
        bandwidth += [max(readings)] if readings else []
    reached = Series(tuple(bandwidth)) if bandwidth and running.cores == cores() else None
    found = [_lookups(name, sort, running.cores, rounds[name], truths, reached) for name in asked if name in running.children]
    truths.forget()
    return found


def _read_memory(running: Running, settings: Settings) -> list[float]:
    """What the memory gives at the moment, in bytes per second; nothing where it could not be measured.

    And what the contender before has read, which was the same pages, is in no cache any more.
    """
    settle()
    if BANDWIDTH not in running.children:
        return []
    try:
        answer = running.children[BANDWIDTH].ask({"pages": {"repeats": 2}}, settings.loading)
    except Unavailable as why:
        running.drop(BANDWIDTH, str(why))
        return []
    return [float(answer["bytes_per_second"])]


def _knows(contender: Contender, sort: Sort) -> bool:
    return sort.interests == 1 or contender.interests


def _ask(process: Child, sort: Sort, number: int, settings: Settings) -> list[dict[str, Any]]:
    """The calls of one round."""
    limits = {"seconds": settings.seconds, "most": MOST_CALLS, "checked": CHECKED, "beside_one": sort.interests > 1}
    question = {"seed": [number, sort.titles, sort.interests], "titles": sort.titles, "interests": sort.interests, **limits}
    answer = process.ask({"pages": question}, settings.loading)
    calls: list[dict[str, Any]] = answer["calls"]
    return calls


def _lookups(
    name: str, sort: Sort, used: int, rounds: Sequence[Sequence[dict[str, Any]]], truths: "Truths", bandwidth: Series | None
) -> Lookups:
    seconds = [np.array([call["seconds"] for call in calls]) for calls in rounds]
    sizes = [np.array([call["artworks"] for call in calls]) for calls in rounds]
    vector = truths.vectors.shape[1] * CONTENDERS[name].number  # bytes
    reading = [float(np.median(size * vector / spent)) for size, spent in zip(sizes, seconds, strict=True)]
    return Lookups(
        contender=name,
        titles=sort.titles,
        interests=sort.interests,
        cores=used,
        p50=Series(tuple(float(np.median(spent)) * 1e3 for spent in seconds)),
        p99=float(np.percentile(np.concatenate(seconds), 99)) * 1e3,
        calls=sum(map(len, rounds)),
        titles_per_second=Series(tuple(float(sort.titles * len(spent) / spent.sum()) for spent in seconds)),
        bytes_per_second=Series(tuple(reading)),
        bandwidth=bandwidth,
        agreement=truths.agreement(sort, rounds),
        over_one=_over_one(seconds, rounds),
    )


def _over_one(seconds: Sequence[np.ndarray], rounds: Sequence[Sequence[dict[str, Any]]]) -> Series | None:
    """None where not every call had a page of one interest beside it."""
    if not all("one" in call for calls in rounds for call in calls):
        return None
    ones = [np.median([call["one"] for call in calls]) for calls in rounds]
    return Series(tuple(float(np.median(spent) / one) for spent, one in zip(seconds, ones, strict=True)))


@dataclass
class Truths:
    """The right answers, each worked out once for all contenders."""

    vectors: np.ndarray  # (n, d) float32
    first_rows: np.ndarray  # (titles + 1,)
    known: dict[tuple[int, ...], Truth] = field(default_factory=dict)

    def agreement(self, sort: Sort, rounds: Sequence[Sequence[dict[str, Any]]]) -> float:
        """The share of titles with the right artwork, over all answers that were given."""
        judged = [
            right(self._of(sort, number, call["page"]), *call["answer"])
            for number, calls in enumerate(rounds)
            for call in calls
            if "answer" in call
        ]
        return sum(judged) / (len(judged) * sort.titles)

    def forget(self) -> None:
        """Other pages come next."""
        self.known.clear()

    def half_precision(self) -> float:
        """The agreement where vectors are kept as float16."""
        count, dimension = len(self.first_rows) - 1, self.vectors.shape[1]
        block = min(CHECKED, count)
        shares = []
        for number in range(-(-HALVED // block)):  # each of a user of its own
            titles = catalogs.draw_page([HALVED, number], count, block)
            queries = catalogs.draw_interests([HALVED, number], 1, dimension)
            shares.append(half_precision_agreement(self.vectors, self.first_rows, queries, titles))
        return float(np.mean(shares))

    def _of(self, sort: Sort, number: int, page: int) -> Truth:
        seed = (number, sort.titles, sort.interests, page)
        if seed not in self.known:
            titles = catalogs.draw_page(seed, len(self.first_rows) - 1, sort.titles)
            queries = catalogs.draw_interests(seed, sort.interests, self.vectors.shape[1])
            self.known[seed] = truth_of(self.vectors, self.first_rows, queries, titles)
        return self.known[seed]


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(f"{number:,}" for number in numbers)


def _line(sort: Sort, lookups: Sequence[Lookups], used: int) -> str:
    told = [
        f"{one.contender} {one.p50.median:.3g}"
        for one in lookups
        if (one.titles, one.interests, one.cores) == (sort.titles, sort.interests, used)
    ]
    return f"titles {sort.titles:,}, interests {sort.interests}, ms: {', '.join(told)}"
