"""The nightly job's door: what it writes, what it says, and what it refuses."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from embed.store import Store
from match.matcher import Matcher


def rows(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(sorted(folder.glob("*.parquet"))).to_pylist()
    return found


def test_all_users_and_all_titles(tmp_path: Path, served: Store, invoke: Callable[..., Any]) -> None:
    result = invoke("match_all", "--store", served.root, "--out", tmp_path / "out")
    assert result.exit_code == 0
    matcher = Matcher.open(served)
    pages = matcher.choose_many(matcher.user_ids)
    expected = [(one.user_id, one.title_id, one.artwork and one.artwork.artwork_id) for page in pages for one in page]
    assert [(row["user_id"], row["title_id"], row["artwork_id"]) for row in rows(tmp_path / "out")] == expected
    users, titles = len(matcher.user_ids), len(matcher.title_ids)
    line = rf"{tmp_path}/out: {users * titles} choices of {users} users and {titles} titles in \d+\.\d s, [\d,]+/s"
    assert re.fullmatch(line, result.stdout.splitlines()[0])


def test_named_users_and_titles_in_json(tmp_path: Path, served: Store, invoke: Callable[..., Any]) -> None:
    users = tmp_path / "users.txt"
    users.write_text("carl\n\n  nobody \ncarl\n", encoding="utf-8")
    arguments = ("--users-file", users, "--titles", "caper, no such", "--locale", "de", "--aspect", "16:9", "--maturity", 12)
    arguments += ("--segment", "kids")
    result = invoke("match_all", "--store", served.root, "--out", tmp_path / "out", *arguments, "--json")
    answer = json.loads(result.stdout)
    assert (answer["choices"], answer["users"], answer["titles"], answer["without_artwork"]) == (4, 2, 2, 1)
    found = [(row["user_id"], row["title_id"], row["reason"]) for row in rows(tmp_path / "out")]
    none = "no title 'no such' in snapshot 000001"
    assert found == [("carl", "caper", None), ("carl", "no such", none), ("nobody", "caper", None), ("nobody", "no such", none)]
    record = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    told = {"locale": "de", "segment": "kids", "aspect": 16 / 9, "maturity": 12}
    assert record["settings"]["context"] | told == record["settings"]["context"]


def test_titles_without_artwork_are_counted(tmp_path: Path, served: Store, invoke: Callable[..., Any]) -> None:
    result = invoke("match_all", "--store", served.root, "--out", tmp_path / "out", "--titles", "no such")
    assert result.stdout.splitlines()[1] == "1 titles have no artwork that may be shown; `reason` says why"


def test_again_all_is_there_and_another_snapshot_is_refused(
    tmp_path: Path, served: Store, invoke: Callable[..., Any], refused: Callable[[Any], str]
) -> None:
    from index.publish import publish_snapshot

    command = ("match_all", "--store", served.root, "--out", tmp_path / "out")
    invoke(*command)
    assert "all of them were there already (--restart makes them anew)" in invoke(*command).stdout
    (served.root / "snapshots" / "CURRENT").unlink()
    publish_snapshot(served)
    line = refused(invoke(*command))
    assert "holds choices made with snapshot 000001, and now it would be 000002; --restart makes them anew" in line
    assert invoke(*command, "--restart").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--users-file", "nowhere.txt"), "nowhere.txt"), (("--out", "{store}"), "holds no choices")],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path,
    served: Store,
    invoke: Callable[..., Any],
    refused: Callable[[Any], str],
    arguments: tuple[str, str],
    said: str,
) -> None:
    given = [argument.format(store=served.root) for argument in arguments]
    assert said in refused(invoke("match_all", "--store", served.root, "--out", tmp_path / "out", *given))


def test_a_users_file_that_is_no_text(tmp_path: Path, served: Store, invoke: Callable[..., Any]) -> None:
    (tmp_path / "users").write_bytes(b"\xff\xfe")
    result = invoke("match_all", "--store", served.root, "--out", tmp_path / "out", "--users-file", tmp_path / "users")
    assert result.exit_code == 2
    assert "is no UTF-8 text" in result.stderr


def test_a_shape_that_is_none(tmp_path: Path, served: Store, invoke: Callable[..., Any]) -> None:
    result = invoke("match_all", "--store", served.root, "--out", tmp_path / "out", "--aspect", "wide")
    assert result.exit_code == 2
    assert "--aspect 'wide'" in result.stderr
    assert not (tmp_path / "out").exists()
