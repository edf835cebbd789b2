"""What another policy would have brought on a log of choices: `python scripts/judge_policy.py LOGS --candidate best`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from match.judging.candidates import Candidate
    from match.judging.comparison import Comparison, Question
    from match.judging.intervals import Estimate
    from match.judging.verdict import Judgement

app = console.door()

NUMBERS = ("floor", "temperature", "similarity", "people", "words")
NAMES = {  # to a policy of match.exploring and what it has already
    "best": ("best", {}),
    "prior": ("best", {"similarity": 0.0, "people": 0.0, "words": 0.0}),
    "random": ("best", {"floor": 1.0}),
    "softmax": ("softmax", {}),
    "thompson": ("thompson", {}),
}
SYNTAX = f"NAME or NAME:KEY=NUMBER,...; names: {', '.join(NAMES)}; keys: {', '.join(NUMBERS)}"


@app.command()
@console.reports_errors
def judge_policy(
    logs: Annotated[Path, typer.Argument(help="Folder with impressions, a log of choices, and plays, as .parquet or .jsonl.")],
    candidate: Annotated[
        list[str] | None,
        typer.Option(
            help=f"A policy to judge, as often as wanted: {SYNTAX}. best, prior and random where nothing else is to be judged."
        ),
    ] = None,
    propensities: Annotated[
        list[Path] | None,
        typer.Option(help="A policy worked out elsewhere: a file with impression_id, artwork_id and propensity."),
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Only what this policy of the log chose.")] = None,
    by_place: Annotated[
        bool, typer.Option("--by-place", help="Artwork earns otherwise at another place of the page: model each by itself.")
    ] = False,
    wait: console.Wait = None,
    most_repeats: console.MostOfTitle = 10,
    most_impressions: console.MostImpressions = 2000,
    most: Annotated[
        int, typer.Option(min=1000, help="Impressions judged at once; of a longer log, those of some users.")
    ] = 1_000_000,
    plot: Annotated[Path | None, typer.Option(help="Draw the estimates to this file, such as policies.png.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Say what other policies would have brought on the choices that LOGS has, without serving them to anyone.

    A candidate is best (the highest score), prior (the best prior: the same artwork for everyone of a segment), random, softmax or
    thompson. Keys make it another: floor and temperature as in match.Exploration; similarity, people and words, the weights of the
    blend in place of those that served. --candidate best:similarity=1,people=0 --candidate softmax:temperature=0.5,floor=0.1

    Judged are draws: an artwork drawn for a user and a title, with all impressions that it was kept for, and whether the title got a
    quality play. Candidates choose among what was considered, so guards and caps are as they spoke when the log was made. An answer
    needs a log that explored. Where it cannot carry one it is refused, and it is said why and what it would take.

    Exit code 0: all candidates answered; 1: one or more refused, and it is said why; 2: could not run.
    """
    asked = [_candidate(text) for text in candidate or []]
    from match.clicks.rules import Rules
    from match.judging.comparison import Question, compare

    rules = Rules(wait=wait, most_repeats=most_repeats, most_impressions=most_impressions)
    question = Question(policy=policy, by_place=by_place, rules=rules, most=most, tables=_tables(propensities or [], asked))
    if asked or question.tables:
        from dataclasses import replace

        question = replace(question, candidates=tuple(asked))
    found = compare(logs, question)
    if as_json:
        console.answer(in_json(found))
    else:
        _print(found, question)
    if plot:
        _plot(found, plot)
    if found.refused:
        raise typer.Exit(1)


def _candidate(text: str) -> "Candidate":
    """ "softmax:temperature=0.5,floor=0.1" to a policy of that name."""
    from match.judging.candidates import Candidate

    name, _, rest = text.partition(":")
    if name not in NAMES:
        raise typer.BadParameter(f"--candidate {text!r}: give {SYNTAX}")
    policy, numbers = NAMES[name]
    given: dict[str, float] = {}
    for part in console.names(rest) or []:
        key, _, number = part.partition("=")
        try:
            given[key] = float(number)
        except ValueError:
            key = ""
        if key not in NUMBERS:
            raise typer.BadParameter(
                f"--candidate {text!r}: {part!r} is none of {', '.join(NUMBERS)} with a number, such as floor=0.1"
            )
    return Candidate(text, policy, **{**numbers, **given})


def _tables(files: list[Path], asked: "list[Candidate]") -> dict[str, Path]:
    """By the files' names without their endings."""
    tables: dict[str, Path] = {}
    for file in files:
        if file.stem in tables or any(one.name == file.stem for one in asked):
            raise typer.BadParameter(
                f"--propensities {str(file)!r}: there is a candidate {file.stem!r} already; rename the file"
            )
        tables[file.stem] = file
    return tables


def _plot(found: "Comparison", plot: Path) -> None:
    from match.judging.chart import draw_candidates

    if any(one.heard for one in found.judged.values()):
        draw_candidates(found, plot)
    else:
        console.say("note: nothing was drawn, since the log can carry no candidate's estimate")


ANSWERS = ("policy", "plays in 100 draws", "95 % interval", "surely within", "beside the log's own", "interval", "")
MEASURES = ("policy", "counts as users", "as plays", "overlap", "mean weight", "largest", "heaviest user")


def _print(found: "Comparison", question: "Question") -> None:
    for line in counted(found, question):
        typer.echo(line)
    rows = [] if found.logged is None else [(_own(found, question), *_value(found.logged), "the log's own", "", "")]
    rows += [_answer(name, one) for name, one in found.judged.items()]
    console.print_table("What each policy would have brought: draws with a quality play", ANSWERS, rows)
    heard = {name: one for name, one in found.judged.items() if one.heard}
    if heard:
        names = list(dict.fromkeys(name for one in heard.values() for name in one.estimates))
        estimates = [(name, *(_short(one.estimates.get(by)) for by in names)) for name, one in heard.items()]
        console.print_table("The same by every estimator", ("policy", *names), estimates)
    measures = [_measures(name, one) for name, one in found.judged.items() if one.difference is not None]
    if measures:
        console.print_table("How much of the log speaks of each", MEASURES, measures)
    for line in words(found):
        typer.echo(line)


def _own(found: "Comparison", question: "Question") -> str:
    return f"{question.policy or ' and '.join(found.policies) or 'the logged policy'}, as served"


def _value(estimate: "Estimate") -> tuple[str, str, str]:
    sure = "not bounded" if estimate.sure is None else _interval(*estimate.sure)
    return f"{100 * estimate.value:.2f}", _interval(estimate.low, estimate.high), sure


def _interval(low: float, high: float, sign: str = "") -> str:
    return f"{100 * low:{sign}.2f} to {100 * high:{sign}.2f}"


def _answer(name: str, one: "Judgement") -> tuple[str, ...]:
    if not one.heard or one.difference is None:
        return (name, *[""] * 5, "refused")
    if one.same:
        return (name, *_value(one.estimates[one.by]), "", "", "the same")
    apart = f"{100 * one.difference.value:+.2f}", _interval(one.difference.low, one.difference.high, "+")
    return (
        name,
        *_value(one.estimates[one.by]),
        *apart,
        one.answer if one.answer != "refused" else "not told",
    )


def _short(estimate: "Estimate | None") -> str:
    return "" if estimate is None else f"{100 * estimate.value:.2f} ({_interval(estimate.low, estimate.high)})"


def _measures(name: str, one: "Judgement") -> tuple[str, ...]:
    d = one.diagnosis
    overlap = "" if d.overlap is None else f"{d.overlap:.1%}"
    numbers = f"{d.effective:,.0f}", f"{d.effective_reward:,.0f}", overlap, f"{d.mean_weight:.3f}", f"{d.largest_weight:,.1f}"
    return name, *numbers, f"{d.heaviest:.1%}"


def counted(found: "Comparison", question: "Question") -> list[str]:
    """What was judged, and what was left out."""
    left, rules = found.left, question.rules
    lines = [
        f"{left.draws:,} draws of {left.impressions:,} impressions to {left.users:,} users"
        + (f"; of {left.shares:,} users one is judged (--most)" if left.shares > 1 else "")
    ]
    days = left.wait.days or 0.0
    waited = f"{days:.2g} days" if days >= 0.1 else f"{days * 1440:.2g} minutes"
    told = (
        (left.young, f"younger than {waited}, which may still be played ({left.wait.by})"),
        (left.repeats, f"beyond {rules.most_repeats} of one title for one user in a day"),
        (left.bots, f"of users with more than {rules.most_impressions} in a day"),
        (left.lost, "kept from before the log began, or from a choice that it lacks"),
        (left.nameless, "without a user"),
    )
    lines += [f"left out: {count:,} impressions {why}" for count, why in told if count]
    if left.others:
        lines.append(f"left out: {left.others:,} draws of other policies than {question.policy}")
    return lines


def words(found: "Comparison") -> list[str]:
    """The answers in sentences."""
    lines = [_sentence(name, one) for name, one in found.judged.items()]
    if any(one.heard for one in found.judged.values()):
        lines.append(
            f"For DM, DR and Switch-DR, plays were foreseen by {found.model}. The intervals of DM and Switch-DR leave out how far "
            "that may be wrong; DR's does not."
        )
    first = next(iter(found.judged.values())).diagnosis
    if first.mismatch is not None and first.calibration is not None:
        lines.append(
            f"Propensities: artwork was shown as often as they say with P = {first.mismatch:.2g} per artwork, and "
            f"P = {first.calibration.p:.2g} per band of propensity (least: {0.001:g})."
        )
    if found.thin_floor:
        lines.append(
            f"{found.thin_floor:.1%} of the draws are Thompson sampling's without a floor: artwork that hardly could win is not in the "
            "log, and no candidate could show it."
        )
    if found.assumed:
        lines.append(f"{found.assumed:.0%} of the draws do not say which weights served: the defaults are taken for them.")
    if len(found.judged) > 1:
        lines.append("Each interval is of one policy: of several, the one that looks best looks better than it is.")
    return lines


def _sentence(name: str, one: "Judgement") -> str:
    """A candidate's answer; numbers are of 100 draws, as in the table."""
    d = one.difference
    if d is None or not one.heard:
        return f"{name} is refused: {'; '.join(one.reasons)}. {one.takes}."
    if one.same:
        return f"{name} does what the logged policy does: there is no difference to tell."
    apart = f"{100 * d.value:+.2f} quality plays in 100 draws ({_interval(d.low, d.high, '+')})"
    if one.answer == "refused":
        return f"{name} is not told from the logged policy: {apart}. {one.takes}."
    return f"{name} is {one.answer} than the logged policy: {apart}."


def in_json(found: "Comparison") -> dict[str, Any]:
    """All of it; what is infinite or no number is null."""
    from dataclasses import asdict

    facts = {
        "counted": {**found.left._asdict(), "wait": found.left.wait._asdict()},
        "policies": found.policies,
        "logged": found.logged and asdict(found.logged),
        "judged": {name: {**asdict(one), "words": one.words} for name, one in found.judged.items()},
        "without_floor": found.thin_floor,
        "model": found.model,
        "assumed_weights": found.assumed,
        "words": words(found),
    }
    return dict(console.finite(facts))


def main() -> None:
    """The console command `judge-policy`."""
    app()


if __name__ == "__main__":
    main()
