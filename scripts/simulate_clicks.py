"""Simulate the bundled catalog's impressions and plays: `python scripts/simulate_clicks.py`. Nobody ever saw or clicked these.

A uniform random policy shows one artwork of a title; whether the viewer plays is drawn from an appeal that each artwork has in
secret, modest beside what taste can do. Some artworks promise too much: more of their plays are broken off early. Beside an artwork
stands a line of copy of its title that does not contradict it, by chance; the lines have no appeal of their own. Each viewer is of a
segment, which likes some tags (LIKES): families play cats, night owls what is dark.

With `--experiment` there is one segment more, each has a taste in artwork of its own, by chance, and half of the viewers are served by
a second policy, `taste`, which knows it: something for scripts/report_experiment.py and scripts/report_segments.py to find.

With `--choices POLICY` the product's own exploring chooses (simulating/choices.py), and its log is one that scripts/judge_policy.py can
judge other policies on; what these would truly have brought is said beside it.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

app = console.door()

RATE = 0.08  # plays per impression, of an artwork of average appeal; about three in four become quality plays
APPEAL = 0.1  # standard deviation of the artworks' appeal, in log-odds
BROKEN_OFF = (0.15, 0.35)  # the share of an artwork's plays that end within minutes: least and most
VIEWERS = 900
FIRST_DAY, DAYS = datetime(2026, 9, 14, tzinfo=UTC), 28
RUNNING_TIME = 5400.0  # seconds, of every title
ROWS, PLACES = 6, 8  # of the page
SEGMENTS = ("families", "students", "night owls", "weekenders")
LIKES = {  # what the viewers of the bundled catalog's segments, as large as each other, play more often: artwork with any of these tags
    "families": ("cat", "dog", "clown", "cottage", "astronaut"),
    "night owls": ("haunted house", "eyes", "detective", "neon", "dragon", "black and white"),
    "weekenders": ("couple", "wedding", "ship", "campfire", "mountain"),
}
LIKED = 0.6  # by how much in log-odds, beside what all of them do together
OWN_TASTE = 0.3  # in an experiment: standard deviation of a segment's taste in an artwork, in log-odds
EAGERNESS = (
    4.0  # how strongly the policy `taste` prefers what will be played: it draws by the softmax of that times the log-odds
)


@dataclass(frozen=True)
class Shown:
    """The impressions as arrays, one entry each."""

    artwork: "np.ndarray"  # row of the artwork table
    propensity: "np.ndarray"
    seconds: "np.ndarray"  # since FIRST_DAY


@dataclass(frozen=True)
class Audience:
    """Who saw the impressions, one entry each, and what the segments like."""

    viewer: "np.ndarray"
    arm: "np.ndarray"  # "random" or "taste"
    segment: "np.ndarray"  # row of `segments`
    segments: tuple[str, ...]
    liking: "np.ndarray"  # (segments, artwork): log-odds


@app.command()
@console.reports_errors
def simulate_clicks(
    out: Annotated[Path | None, typer.Option(help="Folder for the logs; that of the bundled catalog where left out.")] = None,
    impressions: Annotated[int, typer.Option(help="How many artworks are shown.", min=1)] = 80_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same logs.")] = 0,
    experiment: Annotated[
        bool,
        typer.Option("--experiment", help="Two arms, random and taste, and segments with tastes of their own; needs --out."),
    ] = False,
    viewers: Annotated[int, typer.Option(help="How many people there are.", min=2, max=1_000_000)] = VIEWERS,
    choices: Annotated[
        str | None,
        typer.Option(help="A log of choices by best, softmax or thompson, for scripts/judge_policy.py; needs --out."),
    ] = None,
    floor: Annotated[float, typer.Option(help="With --choices: the floor of its propensities, a share from 0 to 1.")] = 0.2,
) -> None:
    """Write SIMULATED impressions and plays of the bundled catalog: no person ever saw or clicked them.

    They show what the priors do; nothing about real viewers can be learned from them.

    Exit code 0: written; 2: could not run.
    """
    if experiment and out is None:
        raise typer.BadParameter("--experiment: give --out, a folder of its own; the bundled catalog's logs are of one policy")
    if choices is not None:
        if out is None or experiment:
            raise typer.BadParameter("--choices: give --out, a folder of its own, and no --experiment")
        _choices(out, impressions, viewers, (choices, floor), seed)
        return
    import numpy as np
    import pyarrow.parquet as pq
    from artwork_assets import CATALOG

    from embed.catalog import read_catalog

    rng = np.random.default_rng(seed)
    catalog = read_catalog(CATALOG, only=("titles", "artwork", "copy"))
    artwork = catalog.artwork
    shown = _show(artwork["title_id"].to_pylist(), impressions, rng)
    if experiment:
        audience = _experiment(impressions, viewers, artwork.num_rows, np.random.default_rng([seed, 2]))
        shown = _show_by_taste(shown, audience, artwork["title_id"].to_pylist(), np.random.default_rng([seed, 3]))
    else:
        audience = _audience(impressions, viewers, artwork["tags"].to_pylist(), np.random.default_rng([seed, 7]))
    lines = _lines(shown, artwork.to_pylist(), catalog.copy.to_pylist(), np.random.default_rng([seed, 1]))
    plays = _plays(shown, artwork.num_rows, rng, audience)
    out = out or CATALOG / "logs"
    out.mkdir(parents=True, exist_ok=True)
    for name, table, times in (
        ("impressions", _impressions(shown, artwork, lines, rng, audience), "shown_at"),
        ("plays", plays, "played_at"),
    ):
        running = {"impression_id": "DELTA_BYTE_ARRAY", times: "DELTA_BINARY_PACKED"}  # a third of the size
        others = [column for column in table.column_names if column not in running]
        pq.write_table(table, out / f"{name}.parquet", compression="zstd", use_dictionary=others, column_encoding=running)
    typer.echo(f"{impressions} simulated impressions and {plays.num_rows} simulated plays in {out}")


def _choices(out: Path, impressions: int, viewers: int, policy: tuple[str, float], seed: int) -> None:
    """Write a log of choices, and say what other policies would truly have brought on it."""
    import numpy as np
    import pyarrow.parquet as pq
    from artwork_assets import CATALOG

    from artwork_doors.simulating.choices import A_PAGE, make_truth, simulate_choices
    from embed.catalog import read_catalog
    from match.exploring.policies import Exploration
    from match.judging.comparison import USUAL
    from match.judging.draws import read_draws

    how = Exploration(policy[0], floor=policy[1], seed=seed)
    artwork = read_catalog(CATALOG, only=("titles", "artwork")).artwork
    columns = (artwork[name].to_pylist() for name in ("title_id", "artwork_id"))
    truth = make_truth(*columns, RATE, APPEAL, len(SEGMENTS), seed)
    segments = np.random.default_rng([seed, 6]).integers(0, len(SEGMENTS), viewers)
    chosen, plays = simulate_choices(truth, how, segments, -(-impressions // A_PAGE), FIRST_DAY, DAYS, seed)
    out.mkdir(parents=True, exist_ok=True)
    pq.write_table(chosen, out / "impressions.parquet", compression="zstd")
    pq.write_table(plays, out / "plays.parquet", compression="zstd")
    typer.echo(f"{chosen.num_rows} simulated choices and {plays.num_rows} simulated plays in {out}")
    if not how.floor:
        return  # the log does not say what else could have been shown
    draws = read_draws(out)
    of_draws = np.array([int(name.partition("-")[2]) for name in draws.choices["user_id"].to_pylist()])
    brought = ", ".join(f"{one.name} {100 * truth.earned(draws, segments[of_draws], one):.2f}" for one in USUAL)
    typer.echo(f"In truth, which no log says, 100 of its draws would have brought these quality plays: {brought}")


def _show(titles: list[str], count: int, rng: "np.random.Generator") -> Shown:
    """Titles with more artwork are shown more often; within a title each artwork is as likely as the others."""
    import numpy as np

    artworks = Counter(titles)
    artwork = rng.integers(0, len(titles), count)
    propensity = np.array([1 / artworks[title] for title in titles])[artwork]
    return Shown(artwork, propensity, np.sort(rng.integers(0, DAYS * 86400, count)))


def _audience(count: int, viewers: int, tags: list[list[str] | None], rng: "np.random.Generator") -> Audience:
    """Each viewer is of a segment for good; what one likes more than the others, these like less, so that all together like nothing."""
    import numpy as np

    viewer, segment = rng.integers(0, viewers, count), rng.integers(0, len(LIKES), viewers)
    liked = np.array([[bool(set(wanted) & set(some or ())) for some in tags] for wanted in LIKES.values()])
    liking = LIKED * (liked - liked.mean(axis=0))
    return Audience(viewer, np.full(count, "random"), segment[viewer], tuple(LIKES), liking)


def _experiment(count: int, viewers: int, artworks: int, rng: "np.random.Generator") -> Audience:
    """Each viewer is drawn into an arm and a segment for good."""
    import numpy as np

    viewer = rng.integers(0, viewers, count)
    arm = np.array(["random", "taste"])[rng.integers(0, 2, viewers)]
    segment = rng.integers(0, len(SEGMENTS), viewers)
    return Audience(viewer, arm[viewer], segment[viewer], SEGMENTS, rng.normal(0, OWN_TASTE, (len(SEGMENTS), artworks)))


def _show_by_taste(shown: Shown, audience: Audience, titles: list[str], rng: "np.random.Generator") -> Shown:
    """The same titles, to viewers of the arm `taste` with the artwork that the policy draws for their segment."""
    import numpy as np

    of_title: dict[str, list[int]] = {}
    for row, title in enumerate(titles):
        of_title.setdefault(title, []).append(row)
    artwork, propensity, draws = shown.artwork.copy(), shown.propensity.copy(), rng.random(len(shown.artwork))
    for rows in of_title.values():
        likes = np.exp(EAGERNESS * audience.liking[:, rows])
        chances = likes / likes.sum(axis=1, keepdims=True)  # (SEGMENTS, rows)
        here = np.flatnonzero(np.isin(shown.artwork, rows) & (audience.arm == "taste"))
        of_viewer = chances[audience.segment[here]]
        drawn = (draws[here, None] > of_viewer.cumsum(axis=1)).sum(axis=1).clip(max=len(rows) - 1)
        artwork[here], propensity[here] = np.array(rows)[drawn], of_viewer[np.arange(len(here)), drawn]
    return Shown(artwork, propensity, shown.seconds)


def _lines(
    shown: Shown, artwork: list[dict[str, Any]], copy: list[dict[str, Any]], rng: "np.random.Generator"
) -> list[str | None]:
    """Of each impression the line that stood beside the picture, each as likely as the others; None where its title has none."""
    from embed.tags import contradict

    def goes(line: dict[str, Any], art: dict[str, Any]) -> bool:
        return line["title_id"] == art["title_id"] and not contradict(line["tags"], art["tags"])

    beside = [[line["copy_id"] for line in copy if goes(line, art)] for art in artwork]
    draws = rng.random(len(shown.artwork))
    return [
        some[int(draw * len(some))] if (some := beside[row]) else None
        for row, draw in zip(shown.artwork.tolist(), draws.tolist(), strict=True)
    ]


def _impressions(
    shown: Shown,
    artwork: "pa.Table",
    lines: list[str | None],
    rng: "np.random.Generator",
    audience: Audience,
) -> "pa.Table":
    import pyarrow as pa

    from embed.records import IMPRESSION

    count = len(shown.artwork)
    columns = {
        "impression_id": _ids(count),
        "user_id": [f"viewer-{number:03}" for number in audience.viewer],
        "title_id": artwork["title_id"].take(shown.artwork),
        "artwork_id": artwork["artwork_id"].take(shown.artwork),
        "copy_id": lines,
        "propensity": shown.propensity,
        "policy": audience.arm,
        "segment": [audience.segments[row] for row in audience.segment],
        "device": rng.choice(["tv", "phone", "laptop"], count, p=[0.5, 0.35, 0.15]),
        "country": rng.choice(["DE", "FR", "PL", "US"], count),
        "row": rng.integers(0, ROWS, count),
        "position": rng.integers(0, PLACES, count),
        "shown_at": [FIRST_DAY + timedelta(seconds=int(second)) for second in shown.seconds],
    }
    return pa.table(columns).cast(IMPRESSION)


def _plays(shown: Shown, artworks: int, rng: "np.random.Generator", audience: Audience) -> "pa.Table":
    """Plays out of the artworks' secret appeal, and how much was watched after them."""
    import numpy as np
    import pyarrow as pa

    from embed.records import PLAY

    log_odds = (np.log(RATE / (1 - RATE)) + rng.normal(0, APPEAL, artworks))[shown.artwork]
    log_odds += audience.liking[audience.segment, shown.artwork]
    played = np.flatnonzero(rng.random(len(shown.artwork)) < 1 / (1 + np.exp(-log_odds)))
    broken_off = rng.random(len(played)) < rng.uniform(*BROKEN_OFF, artworks)[shown.artwork[played]]
    fraction = np.where(broken_off, rng.uniform(0.005, 0.08, len(played)), rng.beta(3, 1.2, len(played)).clip(0.22, 1))
    begun = shown.seconds[played] + rng.integers(2, 40, len(played))
    ids = _ids(len(shown.artwork))
    rows = [
        {
            "impression_id": ids[i],
            "played_at": FIRST_DAY + timedelta(seconds=int(at)),
            "seconds": round(f * RUNNING_TIME),
            "fraction": f,
        }
        for i, at, f in zip(played, begun, fraction.round(3).tolist(), strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=PLAY)


def _ids(count: int) -> list[str]:
    return [f"simulated-{number:06}" for number in range(count)]


def main() -> None:
    """Not a console command: the bundled logs ship with the package."""
    app()


if __name__ == "__main__":
    main()
