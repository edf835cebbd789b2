"""What the doors share: errors to exit codes, notes, progress, tables, lists of names."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from artwork_doors import console
from embed.encoder import EncoderChoice
from embed.errors import ArtworkMatcherError


def errors(root: type[ArtworkMatcherError] = ArtworkMatcherError) -> Iterator[type[ArtworkMatcherError]]:
    """Every error of the tree."""
    yield root
    for branch in root.__subclasses__():
        yield from errors(branch)


def test_the_tree_has_more_than_its_root() -> None:
    assert len(list(errors())) >= 8


@pytest.mark.parametrize("error", [*errors(), OSError, FileNotFoundError])
def test_every_error_of_ours_is_one_line_and_exit_code_2(error: type[Exception], capsys: pytest.CaptureFixture[str]) -> None:
    @console.reports_errors
    def command() -> None:
        raise error("what, where;\n  remedy")

    with pytest.raises(typer.Exit) as exit_:
        command()
    assert exit_.value.exit_code == 2
    assert capsys.readouterr() == ("", "error: what, where; remedy\n")


def test_an_error_that_is_a_bug_keeps_its_traceback() -> None:
    @console.reports_errors
    def command() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        command()


def test_being_stopped_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    @console.reports_errors
    def command() -> None:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as exit_:
        command()
    assert exit_.value.exit_code == 130
    assert capsys.readouterr().err == "stopped; what was committed stays, run again to go on\n"


def test_what_goes_well_passes_through() -> None:
    seen: list[tuple[int, str]] = []

    @console.reports_errors
    def command(number: int, *, word: str) -> None:
        seen.append((number, word))

    command(1, word="a")
    assert seen == [(1, "a")]


def test_the_bundled_checkpoint_is_noted_with_the_flags_that_take_another(capsys: pytest.CaptureFixture[str]) -> None:
    console.note_checkpoint(EncoderChoice())
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("note: made with the bundled checkpoint")
    assert "--store NEW --model ViT-B-32 --pretrained laion2b_s34b_b79k" in err


def test_any_other_checkpoint_needs_no_note(capsys: pytest.CaptureFixture[str]) -> None:
    console.note_checkpoint(EncoderChoice("ViT-B-32", "laion2b_s34b_b79k"))
    console.note_checkpoint(EncoderChoice("local-dir:/somewhere"))
    assert capsys.readouterr() == ("", "")


def test_weights_from_a_file_are_noted_since_they_do_not_say_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"")
    console.note_checkpoint(EncoderChoice("ViT-B-32", str(weights)))
    assert f"{weights} does not say with which activation and preprocessing" in capsys.readouterr().err


def test_progress_is_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress_bar("embedding") as progress:
        progress(1, 2)
    assert capsys.readouterr() == ("", "")


def test_progress_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with console.progress_bar("embedding") as progress:
        progress(1, 2)
    assert "embedding" in terminal.getvalue()
    assert "1/2" in terminal.getvalue()


def test_a_table_cuts_nothing_and_reads_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table("[b]title[/b]", ("[i]column[/i]", "second"), [("[red]cell[/red]", "word " * 100)])
    out = capsys.readouterr().out
    for text in ("[b]title[/b]", "[i]column[/i]", "[red]cell[/red]"):
        assert text in out
    assert out.count("word") == 100


def test_a_long_name_without_spaces_is_folded_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table("t", ("a", "b"), [("x" * 500, "y")])
    assert capsys.readouterr().out.count("x") == 500


def test_answers_are_json_that_keeps_letters_and_words_what_json_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    console.answer({"name": "Amélie", "path": Path("a/b")})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"name": "Amélie", "path": "a/b"}
    assert ("Amélie" in out, err) == (True, "")


@pytest.mark.parametrize(("count", "lines"), [(0, 0), (20, 20), (21, 21), (500, 21)])
def test_many_problems_are_counted(capsys: pytest.CaptureFixture[str], count: int, lines: int) -> None:
    console.say_all([f"problem {number}" for number in range(count)])
    said = capsys.readouterr().err.splitlines()
    assert len(said) == lines
    if count > 20:
        assert said[-1] == f"... and {count - 20} more (--json has them all)"


@pytest.mark.parametrize(
    ("text", "expected"), [(None, None), ("", []), (",", []), ("a", ["a"]), ("a, b c ,d,", ["a", "b c", "d"])]
)
def test_names(text: str | None, expected: list[str] | None) -> None:
    assert console.names(text) == expected
