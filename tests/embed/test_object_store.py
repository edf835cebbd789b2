"""Pictures in object storage: the same table as from a folder, nothing fetched twice, and nothing outside their place."""

import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed import files, object_store
from embed.catalog import read_catalog
from embed.errors import CatalogError, PictureError
from embed.files import read_bytes, stamps
from embed.job import JobReport, embed_artwork
from embed.options import JobOptions
from embed.store import Store, create_store, read_table

Row = dict[str, Any]
ROOT = "s3://posters/pictures"
NAMES = "abcdefg"


@dataclass
class S3:
    """A local S3 with one bucket: what was asked of it, and what it is told to refuse."""

    server: Any
    asked: list[str] = field(default_factory=list)  # "GET /posters/pictures/a.png"; a listing ends in "?"
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)  # the beginning of such a line to status and code

    def watch(self, app: Callable[..., Any]) -> Callable[..., Any]:
        """WSGI middleware."""

        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            listing = "?" if "list-type" in environ.get("QUERY_STRING", "") else ""
            self.asked.append(line := f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}{listing}")
            for start, (status, code) in self.refused.items():
                if line.startswith(start):
                    start_response(status, [("Content-Type", "application/xml")])
                    body = f"<Error><Code>{code}</Code><Message>{code} it is</Message></Error>".encode()
                    return [body] if environ["REQUEST_METHOD"] == "GET" else []
            return app(environ, start_response)

        return answer

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.server.get_host_and_port())

    def asked_for(self, start: str) -> list[str]:
        return sorted(line.removeprefix(start) for line in self.asked if line.startswith(start))

    @property
    def fetched(self) -> list[str]:
        """Names of pictures whose bytes were sent."""
        return self.asked_for("GET /posters/pictures/")

    def put(self, path: str, data: bytes) -> None:
        fsspec.filesystem("s3").pipe_file(f"posters/{path}", data)


@pytest.fixture(scope="module")
def _server() -> Iterator[Any]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Opened places hold on to a server and to credentials."""
    yield
    object_store._places.clear()


@pytest.fixture
def opened_anew() -> Iterator[None]:
    """S3 as a process that has never opened it."""
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    yield
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture
def s3(_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """With an empty bucket; whatever looks for S3 finds this one, also in another process."""
    made, plain = S3(_server), _server._server.app
    settings = {"ENDPOINT_URL": made.url, "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "DEFAULT_REGION": "us-east-1"}
    for name, value in {**settings, "MAX_ATTEMPTS": "1", "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", "/nowhere")
    store = fsspec.filesystem("s3")
    store.mkdir("posters")
    _server._server.app = made.watch(plain)
    yield made
    _server._server.app = plain
    store.rm("posters", recursive=True)


# The whole job


@dataclass
class World:
    """A catalog whose pictures lie in a bucket, and a store."""

    s3: S3
    folder: Path
    store: Store
    encoder: Any
    write: Callable[..., Path]

    def catalog(self, names: str) -> None:
        """Write the tables; pictures are drawn beside them, as they are in the bucket."""
        rows = [{"artwork_id": n, "title_id": "t", "path": f"{n}.png", "added_at": "2026-01-05T00:00:00Z"} for n in names]
        self.write(self.folder, titles=[{"title_id": "t", "name": "T"}], artwork=rows, history=None, tastes=None)

    def upload(self, names: str) -> None:
        for name in names:
            self.s3.put(f"pictures/{name}.png", (self.folder / f"{name}.png").read_bytes())

    def run(self, store: Store | None = None, pictures: str | None = ROOT) -> JobReport:
        catalog = read_catalog(self.folder, strict=True, pictures=pictures)
        self.s3.asked.clear()
        return embed_artwork(catalog, store or self.store, self.encoder, JobOptions(workers=1))


@pytest.fixture
def world(s3: S3, tmp_path: Path, empty_store: Store, tiny_encoder: Any, make_catalog: Callable[..., Path]) -> World:
    made = World(s3, tmp_path / "catalog", empty_store, tiny_encoder, make_catalog)
    made.catalog(NAMES)
    made.upload(NAMES)
    return made


def rows(store: Store, table: str) -> list[Row]:
    """Without the stamps, which a folder and a bucket write each in their own way."""
    return [{**row, "stamp": None} for row in read_table(store, table).to_pylist()]


def test_a_bucket_gives_the_same_table_as_a_folder(world: World, tmp_path: Path, tiny_encoder: Any) -> None:
    plain = create_store(tmp_path / "plain", tiny_encoder.choice, tiny_encoder.fingerprint, tiny_encoder.dimension)
    assert (world.run(plain, None).embedded, world.s3.asked) == (7, [])
    assert world.run().embedded == 7
    for table in ("artwork", "embeddings", "rejected", "titles"):
        assert rows(world.store, table) == rows(plain, table)


def test_what_has_not_changed_is_not_fetched_again(world: World, drawing: Callable[..., Any]) -> None:
    world.run()
    assert set(world.s3.fetched) == {f"{name}.png" for name in NAMES}
    drawing("other").save(world.folder / "b.png")
    world.upload("ab")  # a.png is written anew, with the same bytes
    report = world.run()
    assert (report.plan.changed, len(report.plan.unchanged), report.embedded) == (("b",), 6, 1)
    assert world.s3.fetched == ["b.png", "b.png"]  # planned and decoded
    assert (world.run().embedded, world.s3.fetched, world.s3.asked) == (0, [], ["GET /posters?"])


def test_what_is_gone_or_damaged_is_set_aside_with_its_reason(world: World) -> None:
    world.run()
    fsspec.filesystem("s3").rm_file("posters/pictures/a.png")
    world.s3.put("pictures/b.png", (world.folder / "b.png").read_bytes()[:200])
    world.s3.put("pictures/c.png", b"")
    world.s3.refused["GET /posters/pictures/d.png"] = ("403 Forbidden", "AccessDenied")
    world.s3.put("pictures/d.png", b"changed, so that it is to be read")
    report = world.run()
    assert {row["artwork_id"]: row["reason"].split(" (")[0].split(";")[0] for row in report.rejected} == {
        "a": "no such object",
        "b": "is damaged or cut off",
        "c": "the file is empty",
        "d": "may not be read",
    }
    active = {row["artwork_id"]: row["active"] for row in rows(world.store, "artwork")}
    assert active == {name: name in "efg" for name in NAMES}
    world.upload("abc")
    assert [row["artwork_id"] for row in world.run().rejected] == ["d"]


def test_a_place_that_cannot_be_reached_ends_the_run_and_leaves_the_store(world: World) -> None:
    world.run()
    before = rows(world.store, "artwork")
    world.s3.refused["GET /posters"] = ("403 Forbidden", "AccessDenied")
    with pytest.raises(CatalogError, match=r"pictures at s3://posters/pictures cannot be reached: not permitted .*ListBucket"):
        world.run()
    assert rows(world.store, "artwork") == before


# One picture

LEAVES = ["../x.png", "a/../../x.png", "%2e%2e/x.png", "a/%252E%252e/x.png", "..\\x.png", "s3://other/x.png", "file:///etc/passwd",
          "s3://posters/x.png", "s3://posters/pictures/../x.png", "s3://posters/pictures-of-others/x.png",
          "s3://posters/pictures/x::file:///etc/passwd", "http://posters/pictures/x.png"]  # fmt: skip


@pytest.mark.parametrize("path", LEAVES)
def test_nothing_outside_the_place_is_asked_for(s3: S3, path: str) -> None:
    s3.put("pictures/a.png", b"a")
    s3.put("x.png", b"x")
    s3.asked.clear()
    with pytest.raises(PictureError, match="leaves s3://posters/pictures"):
        read_bytes(ROOT, path)
    assert stamps(ROOT, [path]) == [None]
    assert s3.asked == []


@pytest.mark.parametrize("path", ["a b+é%2Fü#?.png", "sub/deeper//x.png", "..a/b..png", "s3://posters/pictures/whole/url.png"])
def test_a_key_is_taken_as_it_is(s3: S3, path: str) -> None:
    s3.put("pictures/" + path.removeprefix(f"{ROOT}/"), path.encode())
    for root in (ROOT, f"{ROOT}/"):
        assert read_bytes(root, path) == path.encode()
    assert stamps(ROOT, [path]) != [None]


def test_a_picture_takes_one_request(s3: S3) -> None:
    s3.put("pictures/a.png", b"some bytes")
    s3.asked.clear()
    assert read_bytes(ROOT, "a.png") == b"some bytes"
    assert s3.asked == ["GET /posters/pictures/a.png"]


@pytest.mark.parametrize("size", [9, 10, 11, 29, 30])
def test_a_large_picture_is_read_whole(s3: S3, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(object_store, "FIRST", 10)
    monkeypatch.setattr(files, "MAX_BYTES", 30)
    data = bytes(range(size))
    s3.put("pictures/a.png", data)
    assert read_bytes(ROOT, "a.png") == data


def test_of_one_that_is_too_large_only_the_beginning_is_fetched(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "FIRST", 10)
    monkeypatch.setattr(files, "MAX_BYTES", 2**20)
    s3.put("pictures/a.png", bytes(3 * 2**20))
    s3.asked.clear()
    with pytest.raises(PictureError, match="3 MiB is no thumbnail; the limit is 1 MiB"):
        read_bytes(ROOT, "a.png")
    assert s3.asked == ["GET /posters/pictures/a.png", "HEAD /posters/pictures/a.png"]


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (("404 Not Found", "NoSuchKey"), "no such object; put the picture there"),
        (("403 Forbidden", "AccessDenied"), "may not be read .*grant it"),
        (("403 Forbidden", "InvalidObjectState"), r"may not be read \(InvalidObjectState it is\)"),  # in Glacier
        (("500 Oh", "InternalError"), "cannot be read: .*InternalError it is"),
    ],
)
def test_what_is_wrong_with_one_is_its_own_error(s3: S3, refusal: tuple[str, str], reason: str) -> None:
    s3.put("pictures/a.png", b"a")
    s3.refused["GET /posters/pictures/a.png"] = refusal
    with pytest.raises(PictureError, match=reason):
        read_bytes(ROOT, "a.png")


@pytest.mark.parametrize("name", ["a folder", ""])
def test_what_is_no_object_is_missing(s3: S3, name: str) -> None:
    s3.put("pictures/a folder/a.png", b"a")
    with pytest.raises(PictureError, match="no such object"):
        read_bytes(ROOT, name)


def test_many_threads_read_at_once_through_one_file_system(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}.png" for number in range(64)]
    fsspec.filesystem("s3").pipe({f"posters/pictures/{name}": name.encode() * 999 for name in names})
    opened: list[str] = []
    plain = object_store._opened
    monkeypatch.setattr(object_store, "_opened", lambda root: opened.append(root) or plain(root))
    with ThreadPoolExecutor(16) as pool:
        read = list(pool.map(read_bytes, [ROOT] * len(names), names))
    assert read == [name.encode() * 999 for name in names]
    assert opened == [ROOT]


# The whole place


@pytest.mark.parametrize("root", ["s3://posters/nothing-here", "s3://nobody-s-bucket", "s3://nobody-s-bucket/pictures"])
def test_a_place_where_nothing_is(s3: S3, root: str) -> None:
    with pytest.raises(CatalogError, match=rf"pictures at {root} cannot be reached: there is nothing; check the bucket"):
        read_bytes(root, "a.png")


def test_a_place_that_nobody_may_read(s3: S3) -> None:
    s3.refused["GET /posters"] = s3.refused["HEAD /posters"] = ("403 Forbidden", "AccessDenied")
    for use in (lambda: read_bytes(ROOT, "a.png"), lambda: stamps(ROOT, ["a.png"])):
        with pytest.raises(CatalogError, match=r"not permitted .*; grant the job's credentials listing and reading"):
            use()


def test_no_credentials(s3: S3, opened_anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for use in (lambda: read_bytes(ROOT, "a.png"), lambda: stamps(ROOT, ["a.png"])):
        with pytest.raises(CatalogError, match=r"Unable to locate credentials; set AWS_ACCESS_KEY_ID .* or AWS_PROFILE"):
            use()


def test_nobody_answers(s3: S3, opened_anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    for use in (lambda: read_bytes(ROOT, "a.png"), lambda: stamps(ROOT, ["a.png"])):
        with pytest.raises(CatalogError, match=r"Could not connect to the endpoint URL: .*; check the network"):
            use()


@pytest.mark.parametrize("root", ["nonsense://posters", "s3://"])
def test_a_url_that_says_no_place(root: str) -> None:
    with pytest.raises(CatalogError, match=f"pictures at {root}: .*; give .*s3://bucket/pictures"):
        read_bytes(root, "a.png")


def test_without_s3fs_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)  # the classes that were imported
    with pytest.raises(CatalogError, match=r"need an extra package .*pip install 'artwork-matcher\[s3\]'"):
        read_bytes(ROOT, "a.png")


# Stamps


def test_stamps_are_size_and_entity_tag(s3: S3) -> None:
    s3.put("pictures/a.png", b"hello")
    before = stamps(ROOT, ["a.png", "missing.png", f"{ROOT}/a.png", "a.png"])
    assert before == ['5 "5d41402abc4b2a76b9719d911017c592"', None, before[0], before[0]]
    s3.put("pictures/a.png", b"hullo")
    assert stamps(ROOT, ["a.png"])[0] not in (None, before[0])


def test_a_listing_tells_of_a_thousand_at_a_time(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "5")
    names = [f"{number:03}/{name}.png" for number in range(4) for name in "abc"]
    fsspec.filesystem("s3").pipe({f"posters/pictures/{name}": name.encode() for name in names})
    s3.asked.clear()
    assert None not in stamps(ROOT, names[::-1])
    assert s3.asked == ["GET /posters?"] * 3  # 12 keys, 5 a page
    s3.asked.clear()
    assert None not in stamps(ROOT, [names[0], names[-1]])
    assert s3.asked == ["GET /posters?"] * 2  # what lies between is not listed


class Listing:
    """S3's list_objects_v2 over a set of keys, as its documentation says: in order, after a key, so many at a time."""

    def __init__(self, keys: set[str], page: int) -> None:
        self.keys, self.page, self.calls = sorted(keys, key=str.encode), page, 0

    def call_s3(self, method: str, Bucket: str, Prefix: str, StartAfter: str = "") -> Row:
        self.calls += 1
        below = [key for key in self.keys if key.startswith(Prefix) and key.encode() > StartAfter.encode()]
        contents = [{"Key": key, "Size": len(key), "ETag": f'"{key}"'} for key in below[: self.page]]
        return {"Contents": contents, "IsTruncated": len(below) > self.page} if below else {"IsTruncated": False}


keys = st.text(st.sampled_from("ab/é\U0001f600"), min_size=1, max_size=6)


@given(st.sets(keys, max_size=40), st.lists(keys, max_size=20), st.integers(1, 7), st.sampled_from(["bucket", "bucket/a"]))
def test_a_sweep_finds_what_is_there_and_nothing_else(there: set[str], asked: list[str], page: int, base: str) -> None:
    folder = base.partition("/")[2]
    listing = Listing({f"{folder}/{key}" if folder else key for key in there} | {"Z", "zz"}, page)
    place = object_store._Place(f"s3://{base}", listing, base)
    found = dict(object_store._listed(place, sorted(set(asked))))
    whole = {key: f"{folder}/{key}" if folder else key for key in there}
    assert {path: stamp for path, stamp in found.items() if stamp} == {
        key: f'{len(whole[key])} "{whole[key]}"' for key in there & set(asked)
    }
    assert listing.calls <= len(set(asked)) + len(listing.keys) // page + 1


# Other file systems


def test_a_folder_as_a_file_url_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"a")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "pictures" / "link.png").symlink_to(tmp_path / "secret.png")
    root = f"file://{tmp_path}/pictures"
    assert read_bytes(root, "a.png") == read_bytes(root, f"{root}/a.png") == b"a"
    for path in ("../secret.png", "link.png", f"file://{tmp_path}/secret.png"):
        with pytest.raises(PictureError, match="leaves the folder"):
            read_bytes(root, path)


def test_a_url_in_a_catalog_whose_pictures_are_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="is a URL, while the pictures are in a folder; give --pictures"):
        read_bytes(str(tmp_path), "s3://posters/pictures/a.png")


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's file system in memory."""
    made = fsspec.filesystem("memory")
    yield made
    made.store.clear()


def test_a_file_system_that_keeps_no_tags(memory: Any) -> None:
    memory.pipe_file("/posters/sub/a.png", b"a")
    assert read_bytes("memory://posters", "sub/a.png") == b"a"
    assert stamps("memory://posters", ["sub/a.png"]) == [None]
    with pytest.raises(PictureError, match="leaves memory://posters"):
        read_bytes("memory://posters", "../a.png")
    with pytest.raises(CatalogError, match="there is nothing"):
        read_bytes("memory://elsewhere", "a.png")


def test_a_store_that_is_not_s3_is_listed_folder_by_folder(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    plain = type(memory).ls

    def ls(self: Any, folder: str, detail: bool) -> list[Row]:
        listed.append(folder)
        return [{**entry, "etag": "t" + entry["name"]} for entry in plain(self, folder, detail)]

    monkeypatch.setattr(type(memory), "ls", ls)
    for path in ("a/1.png", "a/2.png", "b/1.png", "3.png"):
        memory.pipe_file(f"/posters/{path}", b"four")
    found = stamps("memory://posters", ["b/1.png", "a/1.png", "a/2.png", "c/9.png", "3.png", "4.png"])
    assert found == ["4 t/posters/b/1.png", "4 t/posters/a/1.png", "4 t/posters/a/2.png", None, "4 t/posters/3.png", None]
    assert listed == ["/posters", "/posters/a", "/posters/b", "/posters/c"]


def test_a_web_server_is_asked_for_each_picture(s3: S3) -> None:
    s3.put("pictures/a.png", b"hello")
    fsspec.filesystem("s3").chmod("posters/pictures/a.png", acl="public-read")
    root = f"{s3.url}/posters/pictures"
    assert read_bytes(root, "a.png") == b"hello"
    assert stamps(root, ["a.png", "missing.png"]) == ['5 "5d41402abc4b2a76b9719d911017c592"', None]
    with pytest.raises(PictureError, match="no such object"):
        read_bytes(root, "missing.png")
    with pytest.raises(CatalogError, match=r"pictures at http://127.0.0.1:1/posters cannot be reached"):
        read_bytes("http://127.0.0.1:1/posters", "a.png")
