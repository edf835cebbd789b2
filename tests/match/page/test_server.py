"""The page as a server: what it answers, whom, and what it never gives."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embed.store import Store, read_table, replace_table
from index.publish import publish_snapshot
from match.live import LiveMatcher
from match.page import Reading, application
from match.page.app import FOLDER, script, style
from match.page.documents import KINDS

POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'"
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, make_store: Callable, titles: dict, users: dict, drawing: Callable) -> Store:
    """`titles` and `users` with pictures, in a store that no test changes; a secret lies beside them."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "catalog").mkdir()
    for row in (row for rows in titles.values() for row in rows):
        drawing(row["artwork_id"]).save(folder / "catalog" / f"{row['artwork_id']}.png")
    drawing("secret").save(folder / "catalog" / "secret.webp")
    drawing("secret").save(folder / "secret.webp")
    return make_store(folder / "store", titles, users, catalog=folder / "catalog")


@pytest.fixture(scope="module")
def client(kept: Store) -> Iterator[Any]:
    """Asks the page of `kept`, without a network."""
    from starlette.testclient import TestClient

    def unread(*asked: object) -> Any:
        raise AssertionError("nothing asks for an encoder")

    with LiveMatcher(kept, seconds=None) as live:
        yield TestClient(application(live, Reading(unread, unread)), base_url="http://localhost:8080")


@pytest.fixture
def live(pictured_store: Store) -> Iterator[LiveMatcher]:
    with LiveMatcher(pictured_store, seconds=None) as matcher:
        yield matcher


@pytest.fixture
def own_client(live: LiveMatcher, reading: Any) -> Any:
    """The same of `pictured_store`, which a test may change."""
    from starlette.testclient import TestClient

    return TestClient(application(live, Reading(reading.questions, reading.profile)), base_url="http://localhost:8080")


def sha_of(store: Store, artwork_id: str) -> str:
    rows = read_table(store, "artwork").to_pylist()
    return next(row["sha256"] for row in rows if row["artwork_id"] == artwork_id)


# What it answers


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/app.css", "text/css; charset=utf-8"),
        ("/documents/overview", "application/json"),
        ("/documents/users?start=0", "application/json"),
    ],
)
def test_what_is_there(client: Any, path: str, kind: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)


def test_a_thumbnail_is_made_once_and_kept_by_the_browser(own_client: Any, pictured_store: Store) -> None:
    client, sha256 = own_client, sha_of(pictured_store, "kiss")
    answer = client.get(f"/pictures/160/{sha256}.webp")
    assert (answer.status_code, answer.headers["content-type"], answer.content[8:12]) == (200, "image/webp", b"WEBP")
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    kept = list((pictured_store.root / "thumbnails").rglob("*.webp"))
    assert [path.name for path in kept] == [f"{sha256}.webp"]
    kept[0].write_bytes(b"as it was kept")
    assert client.get(f"/pictures/160/{sha256}.webp").content == b"as it was kept"


def test_a_newly_published_snapshot_is_taken_up(own_client: Any, live: LiveMatcher, pictured_store: Store) -> None:
    shown = [art["id"] for art in own_client.get("/documents/title?title=harbour&user=rosa").json()["artworks"]]
    assert shown == ["kiss", "clown", "ghost"]
    artwork = read_table(pictured_store, "artwork")
    left = [row for row in artwork.to_pylist() if row["artwork_id"] != "kiss"]
    replace_table(pictured_store, "artwork", artwork.from_pylist(left, schema=artwork.schema))
    publish_snapshot(pictured_store)
    assert live.refresh()
    shown = [art["id"] for art in own_client.get("/documents/title?title=harbour&user=rosa").json()["artworks"]]
    assert shown == ["clown", "ghost"]
    assert own_client.get("/documents/overview").json()["snapshot"]["name"] == "000002"


def test_what_ought_not_to_happen_is_said_and_logged(client: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken(site: object, parameters: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setitem(KINDS, "overview", KINDS["overview"]._replace(answer=broken))
    answer = client.get("/documents/overview")
    assert (answer.status_code, answer.json()) == (
        500,
        {"error": "the server failed (RuntimeError('a bug')); its log says more"},
    )
    assert "Traceback" in caplog.text


# Whom


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:9", "[::1]:8080"])
def test_this_machine_is_answered(client: Any, host: str) -> None:
    assert client.get("/documents/overview", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", "192.168.0.1", ""])
@pytest.mark.parametrize("path", ["/", "/documents/overview"])
def test_a_host_that_was_made_to_point_here_is_refused(client: Any, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert (answer.status_code, answer.text) == (400, "Invalid host header")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/documents/overview", "/pictures/160/abc.webp"])
def test_it_only_answers_questions(client: Any, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
    assert "access-control-allow-origin" not in answer.headers


# What it never gives


def test_every_answer_has_the_policy(client: Any, kept: Store) -> None:
    picture = f"/pictures/320/{sha_of(kept, 'kiss')}.webp"
    paths = ["/", "/app.js", "/app.css", "/favicon.ico", "/documents/overview", picture]
    refused = ["/documents/none", "/nowhere", "/pictures/160/none.webp"]
    answers = [client.get(path) for path in [*paths, *refused]]
    answers += [client.get("/", headers={"Host": "evil.example"}), client.post("/")]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 204, 200, 200, 400, 404, 404, 400, 405]
    for answer in answers:
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "path",
    [
        f"/pictures/160/{HEX}.webp",  # nobody's
        "/pictures/160/..%2f..%2fsecret.webp",
        "/pictures/160/%2e%2e/%2e%2e/secret.webp",
        "/pictures/160//etc/passwd.webp",
        "/pictures/160/%2fetc%2fpasswd.webp",
        "/pictures/160/kiss.png",
        "/pictures/160/kiss.webp",
        "/pictures/../secret",
        "/app.js/../../secret",
        "/..%2f..%2fsecret",
        "/vendor/preact.js",
        "/app.js%00.css",
    ],
)
def test_no_path_leads_out_of_the_catalog_s_artwork(client: Any, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")


@pytest.mark.parametrize("width", ["1", "159", "161", "100000000000000000000", "-160", "160.0"])
def test_thumbnails_have_the_widths_that_they_have(client: Any, width: str, kept: Store) -> None:
    """Else whoever asks fills the disk."""
    assert client.get(f"/pictures/{width}/{sha_of(kept, 'kiss')}.webp").status_code == 404
    assert {path.name for path in (kept.root / "thumbnails").glob("*")} <= {"160", "320"}


def test_only_the_snapshot_s_pictures_are_given(own_client: Any, pictured_store: Store, pictures: Path) -> None:
    """A picture of artwork that was not published is not."""
    artwork = read_table(pictured_store, "artwork")
    new = {**artwork.to_pylist()[0], "artwork_id": "new", "path": "new.png", "sha256": HEX}
    replace_table(pictured_store, "artwork", artwork.from_pylist([*artwork.to_pylist(), new], schema=artwork.schema))
    (pictures / "new.png").write_bytes((pictures / "kiss.png").read_bytes())
    assert own_client.get(f"/pictures/160/{HEX}.webp").status_code == 404


NUMBERS = ["nan", "inf", "-inf", "-1", "1e999", "9" * 5000, "0x10", "one", "", " ", "🦆", "1;2", "\x00", "5.0000001"]


@pytest.mark.parametrize("value", NUMBERS)
@pytest.mark.parametrize("name", ["similarity", "people", "words", "copy"])
def test_weights_that_cannot_be_are_refused_with_what_can(client: Any, name: str, value: str) -> None:
    answer = client.get("/documents/choices", params={"user": "rosa", name: value})
    assert answer.status_code == 400
    assert f"parameter {name!r} is {value!r}; give a number from 0 to 5" == answer.json()["error"]


@pytest.mark.parametrize("value", [*NUMBERS, "1", "49", "50.5", "1e30"])
@pytest.mark.parametrize("kind", ["users", "titles", "choices"])
def test_starts_that_cannot_be_are_refused(client: Any, kind: str, value: str) -> None:
    answer = client.get(f"/documents/{kind}", params={"user": "rosa", "start": value})
    assert answer.status_code == 400
    assert "'start'" in answer.json()["error"]


@pytest.mark.parametrize(
    "value", ["", "nobody", "🦆" * 1000, "\x00", "\u202e", "../../etc/passwd", "null", "<script>", "%", "\ufffd"]
)
def test_any_user_and_title_is_answered(client: Any, value: str) -> None:
    answer = client.get("/documents/title", params={"user": value, "title": value})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["id"], told["user"]) == (value, value)
    assert "no title" in told["reason"]


@pytest.mark.parametrize("kind", ["overview.json", "", "__init__", "../overview", "Overview", "🦆"])
def test_documents_that_are_not_there(client: Any, kind: str) -> None:
    assert client.get(f"/documents/{kind}").status_code in {400, 404}


@pytest.mark.parametrize(
    "query",
    ["user=%ff%fe", "user=%ED%A0%80", "user=a&user=b", "user", "&&&=&", "user=rosa&__class__=x", "user=rosa&" + "x=1&" * 5000],
)
def test_queries_that_no_browser_makes_are_answered_or_refused(client: Any, query: str) -> None:
    answer = client.get(f"/documents/choices?{query}")
    assert answer.status_code in {200, 400}
    assert isinstance(answer.json(), dict)


def test_a_taste_that_cannot_be_is_refused_with_its_line(own_client: Any) -> None:
    answer = own_client.get("/documents/choices", params={"user": "rosa", "taste": "not a phrase"})
    assert answer.status_code == 400
    assert "the edited taste" in answer.json()["error"]


# What it is made of


def test_the_app_asks_nobody_else_and_makes_no_code_of_text() -> None:
    """Addresses in comments and of namespaces are asked of nobody."""
    for text in (script(), style()):
        assert set(re.findall(r"https?://[\w./]+", text)) <= {
            "http://www.w3.org/1999/xhtml",
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1998/Math/MathML",
        }
    assert "url(" not in style()
    assert "@import" not in style()
    for path in [path for path in FOLDER.rglob("*.js") if path.parent.name != "vendor"]:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|dangerously|setAttribute\(",
            path.read_text(encoding="utf-8"),
        ), path
