"""The wheel as strangers get it: built from the source, installed into an empty environment, used from another folder."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = {"embed", "index", "match", "artwork_doors", "artwork_assets"}
NEEDED = ["assets/checkpoint/open_clip_config.json", "assets/catalog/artwork.jsonl", "constraints.txt"]
MISSING = [name for name in NEEDED if not (ROOT / name).is_file()]

pytestmark = [
    pytest.mark.wheel,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(MISSING), reason=f"no {', '.join(MISSING)}"),
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no git checkout: what belongs to the source is asked of git"),
]

USE = """
import json, sys
from pathlib import Path
import artwork_assets, artwork_doors, embed, index, match
from artwork_assets import CATALOG
from embed import create_store, embed_artwork, embed_users, load_encoder, read_catalog
from index import publish_snapshot
from match import Matcher
from match.page import write_page

catalog, encoder = read_catalog(CATALOG), load_encoder()
store = create_store("store", encoder.choice, encoder.fingerprint, encoder.dimension)
report = embed_artwork(catalog, store, encoder)
users = embed_users(catalog, store, encoder)
publish_snapshot(store)
matcher = Matcher.open("store")
write_page(store, Path("page.html"))
print(json.dumps({
    "files": [module.__file__ for module in (embed, index, match, artwork_doors, artwork_assets)],
    "problems": [str(problem) for problem in catalog.problems],
    "artworks": len(catalog.artwork), "embedded": report.embedded, "users": users.users, "user": matcher.user_ids[0],
    "chosen": [choice.artwork and choice.artwork.artwork_id for choice in matcher.choose(matcher.user_ids[0])],
}))
"""


def run(*command: object, cwd: Path) -> str:
    """Standard output of a command that must succeed, without this environment's settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "HF_"))}
    ended = subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{command[0]} …: {ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"
    return ended.stdout


@pytest.fixture(scope="module")
def sources() -> list[str]:
    """The files of the project: what git has, or would take."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT).split("\0")
    return [name for name in listed if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, sources: list[str]) -> Path:
    """The wheel, built from a copy of the sources."""
    copy = tmp_path_factory.mktemp("source")
    for name in sources:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    run(sys.executable, "-m", "build", "--wheel", *_isolation(), "--outdir", copy / "dist", copy, cwd=copy)
    (built,) = (copy / "dist").glob("*.whl")
    return built


def _isolation() -> list[str]:
    """Where this environment can build, it need not download what it has."""
    try:
        return ["--no-isolation"] if int(version("setuptools").partition(".")[0]) >= 77 else []
    except PackageNotFoundError:
        return []


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Iterator[Path]:
    """The `bin` folder of an environment that has the wheel and what it asks for, and nothing else. What it asks for is linked from
    this environment: gigabytes, which pip would copy for a minute."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    [asked] = distributions(path=[str(packages)])
    for place in sorted({place for needed in _needed(asked) for place in _places(needed)}):
        (packages / place.name).symlink_to(place)
    run(*pip, "check", cwd=folder)
    yield folder / "bin"
    shutil.rmtree(folder)


def _needed(asked: Distribution) -> list[Distribution]:
    """What a distribution asks for, and what that asks for, as this environment has it."""
    found: dict[str, Distribution] = {}
    open_ends = [(asked, "")]
    seen: set[tuple[str, str]] = set()
    while open_ends:
        of, extra = open_ends.pop()
        for told in map(Requirement, of.requires or ()):
            if told.marker is None or told.marker.evaluate({"extra": extra}):
                key = canonicalize_name(told.name)
                needed = found.setdefault(key, distribution(told.name))
                assert told.specifier.contains(needed.version, prereleases=True), f"{of.name} asks for {told}"
                new = {(key, name) for name in ("", *told.extras)} - seen
                seen |= new
                open_ends += [(needed, name) for _, name in sorted(new)]
    return list(found.values())


def _places(needed: Distribution) -> set[Path]:
    """The folders and files of a distribution that lie directly where packages are installed."""
    root = Path(str(needed.locate_file("")))
    names = {Path(file).parts[0] for file in needed.files or ()} - {"..", "__pycache__"}
    return {root / name for name in names if (root / name).exists()}


def test_the_wheel_has_what_it_needs_and_nothing_else(wheel: Path, sources: list[str]) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc") or "/test_" in name]
    templates = {name for name in sources if "/templates/" in name}
    assert {"embed/templates/profile.html", "match/templates/choice.html"} <= templates <= names
    app = [name for name in sources if name.startswith("match/page/app/")]
    assert {"match/page/app/main.js", "match/page/app/style/base.css", "match/page/app/vendor/LICENSES"} <= set(app) <= names
    carried = [
        name for name in sources if name.startswith(("assets/checkpoint/", "assets/catalog/")) or name == "assets/CREDITS.md"
    ]
    assert carried
    assert {name.replace("assets/", "artwork_assets/", 1) for name in carried} <= names
    modules = [name for name in sources if name.startswith(("embed/", "index/", "match/")) and name.endswith(".py")]
    assert set(modules) <= names


def test_it_works_from_another_folder_in_an_empty_environment(installed: Path, tmp_path: Path) -> None:
    answer = json.loads(run(installed / "python", "-c", USE, cwd=tmp_path).splitlines()[-1])
    for file in answer["files"]:
        assert Path(file).is_relative_to(installed.parent)
    assert answer["problems"] == []
    assert answer["embedded"] == answer["artworks"] >= 40
    assert answer["users"] >= 8
    assert len(answer["chosen"]) >= 8
    assert None not in answer["chosen"]
    assert (tmp_path / "page.html").stat().st_size > 100_000
    said = json.loads(run(installed / "match-user", "--store", "store", answer["user"], "--json", cwd=tmp_path))
    assert [choice["artwork"]["artwork_id"] for choice in said] == answer["chosen"]
