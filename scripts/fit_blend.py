"""What a unit of each part of a score is worth, out of a log of choices: `python scripts/fit_blend.py LOGS --store STORE`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from embed.store import Store
    from match.fitting.choices import Choices
    from match.fitting.flow import Fit, Part
    from match.judging.intervals import Estimate

app = console.door()


@app.command()
@console.reports_errors
def fit_blend(
    store: Annotated[Path, typer.Option(help="The store that scripts/embed_artwork.py made.")],
    logs: Annotated[
        Path | None,
        typer.Argument(
            help="Folder with impressions, as choices that explore are logged, and plays; left out: what STORE publishes."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Fit and report, and leave STORE as it is.")] = False,
    sure: Annotated[
        bool,
        typer.Option("--sure", help="Publish only where the 95 % interval of what they gain on the defaults lies above 0."),
    ] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Drop what STORE publishes: back to the defaults.")] = False,
    wait: console.Wait = None,
    plot: Annotated[
        Path | None, typer.Option(help="A picture, such as fit.png: promises against plays, and the weights.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the folds and resamples.")] = 0,
    as_json: console.AsJson = False,
) -> None:
    """Fit the weights of a score on LOGS, report what each part is worth, and publish them in STORE if they are better.

    LOGS is a log of choices that were explored (docs/exploring.md), with its plays. The weights are fitted on the earlier days and
    must tell the later days' quality plays better than the defaults do, and than weights that STORE publishes; else nothing is
    published. What is not sure of them is said. From then on match_user, match_all and running matchers use them.

    Exit code 0: the weights are better, and published but for --dry-run; 1: refused, with the reason; 2: could not run.
    """
    from embed.store import open_store

    opened = open_store(store)
    if logs is None:
        _without_logs(opened, forget, as_json)
        return
    if forget:
        raise typer.BadParameter("--forget: leave LOGS out")
    fitted = _fit(opened, logs, wait, sure, seed)
    if plot is not None:
        _draw(fitted, plot)
    if fitted.is_better and not dry_run:
        from match.fitting.flow import publish

        publish(opened, fitted)
    _tell(fitted, opened, dry_run, as_json)
    if not fitted.is_better:
        raise typer.Exit(1)


def _fit(store: "Store", logs: Path, wait: float | None, sure: bool, seed: int) -> "Fit":
    from match.clicks.rules import Rules
    from match.fitting.flow import fit_blend as run
    from match.fitting.published import read_published

    published = read_published(store)
    return run(logs, Rules(wait=wait), present=published and published[0], sure=sure, seed=seed)


def _draw(fitted: "Fit", plot: Path) -> None:
    from match.fitting.picture import draw_fit

    if fitted.proof is None:
        console.say(f"note: nothing was fitted, and {plot} was not drawn")
    else:
        draw_fit(fitted, plot)


def _without_logs(store: "Store", forget: bool, as_json: bool) -> None:
    """Say, or drop, what is published."""
    from dataclasses import asdict

    from match.fitting.published import forget_weights, read_published, read_weights

    if forget:
        there = forget_weights(store)
        if not as_json:
            typer.echo(f"{store.root} has the default weights again" if there else f"{store.root} has the default weights")
            return
    published = read_published(store)
    if as_json:
        told = published[1] if published else None
        console.answer({"weights": asdict(read_weights(store)), "fitted": told})
        return
    weights = ", ".join(f"{name} {value:.3g}" for name, value in asdict(read_weights(store)).items())
    if published is None:
        typer.echo(f"{weights}: the defaults")
        return
    of = published[1]
    typer.echo(
        f"{weights}: fitted on {of['fitted_at']:%Y-%m-%d %H:%M} UTC on {of['choices']:,} choices of {of['users']:,} users "
        f"with {of['plays']:,} quality plays (snapshots {', '.join(of['snapshots']) or 'unknown'})"
    )


def _tell(fitted: "Fit", store: "Store", dry_run: bool, as_json: bool) -> None:
    if as_json:
        from match.fitting.flow import as_record

        console.answer(as_record(fitted) | {"published": fitted.is_better and not dry_run})
        return
    typer.echo(_about(fitted.choices))
    for line in _left_out(fitted.choices):
        typer.echo(line)
    if fitted.proof is not None:
        console.print_table("What a unit is worth, in log-odds of a quality play", PARTS, list(map(part_row, fitted.parts)))
        title = f"The {len(fitted.proof.later):,} choices from {_date(fitted.proof.first_later)} on, by what was fitted before"
        console.print_table(title, RIVALS, rival_rows(fitted))
        for part in fitted.parts:
            if part.note:
                typer.echo(f"note: {part.name} {part.note}")
        typer.echo(LEGEND.format(ridge=fitted.proof.ridge))
    typer.echo(_verdict(fitted, store, dry_run))


PARTS = ("part", "default", "fitted", "standard error", "95 % interval", "log loss without it")
LEGEND = (
    "log loss: nats per 1,000 choices; intercept and slope: 0 and 1 where promises are true, ± and (…) 95 %; "
    "ridge towards the defaults: {ridge:g}, by cross-validation over users"
)
RIVALS = ("weights", "log loss", "the fit gains", "intercept", "slope", "calibration error", "by chance")


def part_row(part: "Part") -> tuple[str, ...]:
    """A row of PARTS."""
    if part.worth is None:
        return part.name, f"{part.default:.3g}", "not fitted", "", "", ""
    interval = f"{part.low:.3f} to {part.high:.3f}" if part.low == part.low else ""
    error = f"{part.error:.3f}" if part.error == part.error else ""
    return part.name, f"{part.default:.3g}", f"{part.weight:.3f}", error, interval, _in_1000(part.worth, "+")


def rival_rows(fitted: "Fit") -> list[tuple[str, ...]]:
    """Rows of RIVALS."""
    from match.fitting.proof import without

    proof = fitted.proof
    assert proof is not None
    parts = {without(part) for part in fitted.choices.parts}
    names = [name for name in dict.fromkeys((*proof.losses, *fitted.calibrations)) if name not in parts]
    losses = {name: f"{1000 * loss.value:.2f}" for name, loss in proof.losses.items()}
    gains = {name: _in_1000(gain) for name, gain in proof.gains.items()}
    return [(name, losses.get(name, ""), gains.get(name, ""), *_calibration(fitted, name)) for name in names]


def _calibration(fitted: "Fit", name: str) -> tuple[str, ...]:
    if (one := fitted.calibrations.get(name)) is None:
        return ("",) * 4
    level = f"{one.intercept:.2f} ± {1.96 * one.intercept_error:.2f}"
    slope = f"{one.slope:.2f} ± {1.96 * one.slope_error:.2f}" if one.slope == one.slope else ""  # all promise the same
    return level, slope, f"{one.error:.4f}", f"{one.by_chance:.4f}"


def _in_1000(gain: "Estimate", sign: str = "") -> str:
    low, value, high = (f"{1000 * number:{sign}.2f}" for number in (gain.low, gain.value, gain.high))
    return f"{value} ({low} to {high})"


def _about(choices: "Choices") -> str:
    days = f"{_date(int(choices.day.min()))} to {_date(int(choices.day.max()))}"
    users = len(set(choices.user.tolist()))
    lines = f"{len(choices):,} choices of {users:,} users, {days}, with {int(choices.quality.sum()):,} quality plays"
    return f"{lines}; weighted by inverse propensities they count as {choices.effective:,.0f}"


def _left_out(choices: "Choices") -> list[str]:
    """What does not count, and what was assumed."""
    from match.fitting.choices import MOST_WEIGHT, WHY

    lines = [f"left out: {count:,} {WHY[why]}" for why, count in choices.left_out.items()]
    if choices.assumed:
        lines.append(f"note: {choices.assumed:,} do not say the weights that served; the defaults were assumed")
    if choices.clipped:
        lines.append(f"note: {choices.clipped:,} were shown so seldom that they count {MOST_WEIGHT:g} times, and not more")
    return lines


def _verdict(fitted: "Fit", store: "Store", dry_run: bool) -> str:
    needed = f"; it would take about {fitted.needed:,} such choices" if fitted.needed else ""
    doubts = "; ".join(fitted.doubts)
    if fitted.is_better:
        published = f"better than the defaults{': would be' if dry_run else ', and'} published in {store.root}"
        return f"{published}. Not sure: {doubts}{needed}" if doubts else published
    return f"refused, nothing is published: {'; '.join(fitted.reasons)}{needed}"


def _date(day: int) -> str:
    from datetime import date, timedelta

    return f"{date(1970, 1, 1) + timedelta(days=day):%Y-%m-%d}"


def main() -> None:
    """The console command `fit-blend`."""
    app()


if __name__ == "__main__":
    main()
