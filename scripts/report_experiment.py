"""Whether an arm of an experiment is better, and where: `python scripts/report_experiment.py LOGS --control NAME`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from match.experiments.trial import Effect, Needs, Trial

app = console.door()

METRICS = ("quality", "plays")
COUNTED = {"quality": "quality plays", "plays": "plays"}


@app.command()
@console.reports_errors
def report_experiment(
    logs: Annotated[Path, typer.Argument(help="Folder with impressions and plays as .parquet, .csv or .jsonl.")],
    control: Annotated[str, typer.Option(help="The arm that the others are compared with.")],
    arm_column: Annotated[str, typer.Option(help="The column of the impressions that names the arm.")] = "policy",
    metric: Annotated[
        str, typer.Option(help="What counts of an impression: quality (a play that was watched), or plays (any).")
    ] = "quality",
    shares: Annotated[
        str | None,
        typer.Option(
            help='Users planned per arm, such as "random=1,taste=1"; other arms are left out. All alike where silent.'
        ),
    ] = None,
    mde: Annotated[
        float, typer.Option(help="The smallest lift worth finding, relative: 0.02 is 2 %. Set it beforehand and keep to it.")
    ] = 0.02,
    power: Annotated[float, typer.Option(help="The probability with which a lift of --mde should be found.")] = 0.8,
    level: Annotated[float, typer.Option(help="How often a winner may be false, where all arms are alike.")] = 0.05,
    wait: console.Wait = None,
    most_repeats: console.MostOfTitle = 10,
    most_impressions: console.MostImpressions = 2000,
    plot: Annotated[Path | None, typer.Option(help="Draw the lift over time to this file, such as lift.png.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Compare the arms of an experiment in LOGS: rates, lifts with intervals, a verdict, and effects per segment.

    Users are what was drawn into arms, and what is counted. Intervals hold at every look: look daily, stop when you like. They are
    wider than those of who looks once, at the end. Where the users per arm are not as planned, no lift is read. Of the segments'
    effects called discoveries, on average at most --level is false.

    What counts is what learn_priors.py learns from: impressions that may still be played wait, and machines and repeats (of a title, so
    that an arm that varies its artwork is not favoured) are left out. How many, is said for each arm; where the arms differ in it, read
    their lifts with care.

    A log with the control alone says how many users an experiment would take.

    Exit code 0: reported; 1: the log does not bear a comparison, and it is said why; 2: could not run.
    """
    if metric not in METRICS:
        raise typer.BadParameter(f"--metric {metric!r} is none of {', '.join(METRICS)}")
    weights = _weights(shares)
    from match.clicks.rules import Rules
    from match.experiments.trial import Plan, check_plan, report_trial

    plan = Plan(control, weights, mde, power, level, arm_column, metric)
    check_plan(plan)
    trial = report_trial(logs, plan, Rules(wait=wait, most_repeats=most_repeats, most_impressions=most_impressions))
    if as_json:
        console.answer(in_json(trial))
    else:
        _print(trial)
    if plot and trial.effects:
        from match.experiments.curve import draw_course

        draw_course(trial, plot)
    elif plot:
        console.say("note: nothing was drawn, since no arm was compared")
    if trial.refused:
        raise typer.Exit(1)


def _weights(shares: str | None) -> dict[str, float] | None:
    """ "a=1,b=3" to {"a": 1.0, "b": 3.0}."""
    if shares is None:
        return None
    weights: dict[str, float] = {}
    for part in console.names(shares) or []:
        name, _, number = part.rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = 0.0
        if not name.strip() or not 0 < weight < float("inf") or name.strip() in weights:
            raise typer.BadParameter(f"--shares {part!r}: give each arm once and a number above 0, such as random=1,taste=1")
        weights[name.strip()] = weight
    if len(weights) < 2:
        raise typer.BadParameter(f"--shares {shares!r}: name two arms or more")
    return weights


def _print(trial: "Trial") -> None:
    counted = COUNTED[trial.plan.metric]
    columns = (
        "arm",
        "users",
        "impressions",
        counted,
        "per impression",
        "lift",
        f"{100 * trial.confidence:.4g} % interval",
        "P(better)",
    )
    lifts = {effect.arm: effect for effect in trial.effects}
    rows = [
        (
            arm.name,
            *(f"{count:,}" for count in (arm.users, arm.impressions, arm.plays)),
            "" if arm.rate is None else f"{arm.rate:.2%}",
            *_lift(trial, arm.name, lifts.get(arm.name)),
        )
        for arm in trial.arms
    ]
    days = f"{trial.days[0]} to {trial.days[-1]}"
    console.print_table(f"Arms, {days}", columns, rows)
    for line in words(trial):
        typer.echo(line)
    if trial.segments.effects:
        _print_segments(trial)
    elif trial.segments.untold:
        typer.echo(_untold(trial))


def _lift(trial: "Trial", arm: str, effect: "Effect | None") -> tuple[str, str, str]:
    if arm == trial.plan.control:
        return "control", "", ""
    if effect is None:
        return ("not read" if trial.refused else "too few yet"), "", ""
    return f"{effect.relative:+.1%}", interval(effect.relative_low, effect.relative_high), sure(effect.better)


def interval(low: float, high: float) -> str:
    """Of shares, as a person reads it."""
    return f"{low:+.1%} to {high:+.1%}" if high < float("inf") else f"{low:+.1%} or more"


def sure(probability: float) -> str:
    """One that is never said to be certain."""
    return "< 0.1%" if probability < 0.001 else "> 99.9%" if probability > 0.999 else f"{probability:.1%}"


def words(trial: "Trial") -> list[str]:
    """The report in sentences: what was left out, whether it may be read, the verdict, and what it takes."""
    return [*_left_out(trial), *_uneven(trial), *_ratio(trial), *_verdict(trial), *_too_few(trial), *_sizes(trial)]


def _left_out(trial: "Trial") -> list[str]:
    aside = trial.set_aside
    said = [
        (aside.crossed, f"{aside.crossed:,} impressions of users whom several arms served ({aside.crossed_users:,})"),
        (aside.nameless, f"{aside.nameless:,} impressions without a user"),
        (aside.outside, f"{aside.outside:,} impressions of no arm"),
        _by_arm(trial, "young", "impressions that may still be played"),
        _by_arm(trial, "bots", "impressions of machines"),
        _by_arm(trial, "repeats", "repeats"),
    ]
    parts = [text for count, text in said if count]
    return [f"Left out: {', '.join(parts)}."] if parts else []


def _by_arm(trial: "Trial", kind: str, what: str) -> tuple[int, str]:
    """How many, and in words."""
    counts = {arm.name: getattr(trial.set_aside.by_arm.get(arm.name), kind, 0) for arm in trial.arms}
    each = ", ".join(f"{arm} {count:,}" for arm, count in counts.items())
    return sum(counts.values()), f"{sum(counts.values()):,} {what} ({each})"


UNEVEN = {"bot": "were taken for machines", "repeat": "had repeats left out"}


def _uneven(trial: "Trial") -> list[str]:
    return [
        f"Careful: {', '.join(f'{share:.2%} of the users of {arm}' for arm, share in each.shares.items())} {UNEVEN[each.kind]}, and "
        f"hardly by chance (p = {each.p:.1g}): that may be an effect of the arm, and then the lift is not all of it. Look at both "
        f"with other limits (--{'most-impressions' if each.kind == 'bot' else 'most-repeats'})."
        for each in trial.uneven
    ]


def _ratio(trial: "Trial") -> list[str]:
    if trial.refused:
        return [f"Not compared: {trial.refused}."]
    ratio = trial.ratio
    if len(ratio.users) < 2:
        return ["There is no other arm: nothing is compared."]
    planned = " : ".join(f"{ratio.planned[arm.name]:.3g}" for arm in trial.arms)
    lines = [f"Users per arm are as planned ({planned}; p = {ratio.p:.2g})."]
    if len(trial.arms) > 2:
        lines.append(f"Lifts' intervals hold all {len(trial.arms) - 1} together with {1 - trial.plan.level:.0%} (Bonferroni).")
    return lines


def _verdict(trial: "Trial") -> list[str]:
    verdict, plan = trial.verdict, trial.plan
    if verdict is None:
        return []
    effects = {effect.arm: effect for effect in trial.effects}
    control, counted = plan.control, COUNTED[plan.metric]
    lines = []
    if verdict.kind == "winner" and verdict.arm == control:
        lines.append(f"Winner: {control}, the control. {_list(verdict.worse)} {_is(verdict.worse)} worse, and may be stopped.")
    elif verdict.kind == "winner" and verdict.arm:
        effect = effects[verdict.arm]
        lines.append(
            f"Winner: {effect.arm}, {effect.relative:+.1%} over {control} ({interval(effect.relative_low, effect.relative_high)}): "
            f"{_per_thousand(effect, counted)}. The experiment may stop."
        )
        if verdict.also:
            lines.append(
                f"{_list(verdict.also)}, too, {_is(verdict.also)} better than {control}; the winner is not told from that."
            )
    elif verdict.kind == "preferred" and verdict.arm:
        # The control is preferred where the likeliest of the others is hardly better than it.
        better = effects[verdict.arm].better if verdict.arm in effects else 1 - max(e.better for e in trial.effects)
        lines.append(f"Preferred: {verdict.arm}, better with a probability of {sure(better)}. No winner: the interval holds 0.")
        lines.append("That is a lead, not a result: who looks often sees such leads where there is nothing.")
    else:
        lines.append(f"No winner, and none preferred: no {'other ' if verdict.worse else ''}arm can be told from {control}.")
    if verdict.kind != "winner":
        if verdict.worse:
            lines.insert(0, f"{_list(verdict.worse)} {_is(verdict.worse)} worse than {control}, and may be stopped.")
        lines += _more(verdict.needs, "if it is what it looks like now")
        lines += _more(verdict.planned, "the smallest worth finding")
    return lines


def _per_thousand(effect: "Effect", counted: str) -> str:
    number, low, high = (1000 * each for each in (effect.absolute, effect.low, effect.high))
    return f"{number:+.2f} {counted} in 1,000 impressions ({low:+.2f} to {high:+.2f})"


def _more(needs: "Needs | None", which: str) -> list[str]:
    if needs is None:
        return []
    when = "no new ones came in the last days" if needs.days is None else f"{needs.days:,} days as they come now"
    return [f"To tell a lift of {needs.lift:.1%} ({which}): about {needs.users:,} more users ({when})."]


def _too_few(trial: "Trial") -> list[str]:
    from match.experiments.trial import FEWEST_PLAYS, FEWEST_USERS

    if not trial.too_few:
        return []
    least = f"{FEWEST_USERS} users and {FEWEST_PLAYS} {COUNTED[trial.plan.metric]}"
    return [f"Too few yet to compare {_list(trial.too_few)} with {trial.plan.control}: each arm needs {least}."]


def _sizes(trial: "Trial") -> list[str]:
    if not trial.sizes:
        return []
    plan, (arm, size) = trial.plan, max(trial.sizes.items(), key=lambda item: item[1].always_valid)
    return [
        f"An experiment planned for a lift of {plan.mde:.1%} needs at most {size.always_valid:,} users in {plan.control} and "
        f"{arm} together to find it with a probability of {plan.power:.0%} while looking at any time; looking once, at the "
        f"end, {size.fixed:,}."
    ]


SEGMENT_COLUMNS = ("segment", "arm", "users", "lift", "interval", "per 1,000", "")


def _print_segments(trial: "Trial") -> None:
    segments = trial.segments
    title = f"Lift over {trial.plan.control} per segment, and {COUNTED[trial.plan.metric]} gained in 1,000 impressions"
    title += f"; intervals of {100 * segments.confidence:.4g} %"
    console.print_table(title, SEGMENT_COLUMNS, [_segment(effect) for effect in segments.effects[: console.SHOWN]])
    if len(segments.effects) > console.SHOWN:
        typer.echo(f"... and {len(segments.effects) - console.SHOWN:,} more (--json has them all)")
    found = sum(effect.discovery for effect in segments.effects)
    told = f"{found:,} of {len(segments.effects):,} {'is a discovery' if found == 1 else 'are discoveries'}"
    typer.echo(
        f"{told}; of such, on average at most {trial.plan.level:.0%} are false ({segments.control}). In the others there may be an "
        "effect or not."
    )
    if segments.untold:
        typer.echo(_untold(trial))


def _segment(effect: "Effect") -> tuple[str, ...]:
    said = ("better" if effect.absolute > 0 else "worse") if effect.discovery else "cannot be told"
    lift = f"{effect.relative:+.1%}", interval(effect.relative_low, effect.relative_high)
    gained = f"{1000 * effect.absolute:+.2f}"
    return str(effect.segment), effect.arm, f"{effect.users:,}", *lift, gained, said


def _untold(trial: "Trial") -> str:
    count = trial.segments.untold
    what = "segments have" if len(trial.arms) == 2 else "pairs of an arm and a segment have"
    return f"{count:,} {what} too few users or {COUNTED[trial.plan.metric]} to be compared."


def _list(names: "tuple[str, ...]") -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _is(names: "tuple[str, ...]") -> str:
    return "are" if len(names) > 1 else "is"


def in_json(trial: "Trial") -> dict[str, Any]:
    """All of it; what is infinite, or was not there, is null."""
    from dataclasses import asdict

    course = {
        arm: [
            {"day": day, "lift": lift, "low": low, "high": high}
            for day, lift, low, high in zip(trial.course.days, *(part[row].tolist() for part in trial.course[2:]), strict=True)
        ]
        for row, arm in enumerate(trial.course.arms)
    }
    facts = {
        "plan": asdict(trial.plan),
        "from": trial.days[0],
        "to": trial.days[-1],
        "set_aside": {**asdict(trial.set_aside), "by_arm": {arm: of._asdict() for arm, of in trial.set_aside.by_arm.items()}},
        "uneven": [each._asdict() for each in trial.uneven],
        "sample_ratio": {**asdict(trial.ratio), "holds": trial.ratio.holds},
        "refused": trial.refused,
        "arms": [asdict(arm) for arm in trial.arms],
        "confidence": trial.confidence,
        "lifts": [asdict(effect) for effect in trial.effects],
        "too_few": trial.too_few,
        "verdict": trial.verdict and asdict(trial.verdict),
        "segments": asdict(trial.segments),
        "sizes": {arm: asdict(size) for arm, size in trial.sizes.items()},
        "course": course,
        "words": words(trial),
    }
    return dict(console.finite(facts))


def main() -> None:
    """The console command `report-experiment`."""
    app()


if __name__ == "__main__":
    main()
