"""An artwork as one user sees it. Which one it is and its score are known at once; why, only where somebody looks.

What explains a page's choices (whose phrase speaks for each, who is on it, its counts) takes about half as long again as choosing
them. Who serves a page asks for none of it; who inspects or logs one looks, and it is made then, for all of the page.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from match.blend import Prior

Row = TypeVar("Row", bound=tuple[Any, ...])  # a NamedTuple


class Why(NamedTuple):
    """What explains a score; its four parts add up to it."""

    prior_part: float
    similarity_part: float
    people_part: float
    words_part: float
    similarity: float  # in units of the usual spread; 0 is as good as the title's other artwork on average
    phrase: str | None  # the user's taste phrase that speaks for it most, as a person reads it ("not horror" for a dislike)
    phrase_similarity: float | None  # cosine of that phrase and the picture; None of pictures played
    people: tuple[str, ...]  # people on it whom the user likes (or dislikes), as the profile spells them
    word: str | None  # the tag or micro-copy of it that speaks most for it; None where it has none, or where words do not count
    prior: Prior


class Whys:
    """Why some artworks have their scores: made when one of them is first asked for, since one costs nearly what all cost."""

    __slots__ = ("_made", "_make", "store")

    def __init__(self, make: Callable[[], Sequence[Why]], store: str | None = None) -> None:
        """make: what it returns must not depend on when it is called. store: the folder of the store that the artworks are of, by
        which a notebook finds their pictures."""
        self._make: Callable[[], Sequence[Why]] | None = make
        self._made: Sequence[Why] = ()
        self.store = store

    @classmethod
    def made(cls, whys: Sequence[Why], store: str | None) -> "Whys":
        """Such as were looked at already."""
        known = cls(tuple, store)
        known._make, known._made = None, whys
        return known

    def __getitem__(self, place: int) -> Why:
        if (make := self._make) is not None:
            self._made = make()  # two threads at once make the same
            self._make = None  # and what it holds may go
        return self._made[place]

    def __reduce__(self) -> tuple[Any, ...]:
        _ = self[0]
        return Whys.made, (self._made, self.store)


class Scored:
    """An artwork of a title as one user sees it; the four parts add up to the score. Read-only.

    Equal where all fields are, whether they were looked at before or not. Until then it keeps the Matcher that chose it.
    """

    __slots__ = ("_artwork_id", "_path", "_place", "_score", "_whys")

    def __init__(self, artwork_id: str, path: str, score: float, whys: Whys | Sequence[Why], place: int = 0) -> None:
        """whys[place]: this one's."""
        self._artwork_id, self._path, self._score = artwork_id, path, score
        self._whys, self._place = whys, place

    @property
    def artwork_id(self) -> str:
        """The catalog's."""
        return self._artwork_id

    @property
    def path(self) -> str:
        """The file, as the catalog has it."""
        return self._path

    @property
    def score(self) -> float:
        """Log-odds of a quality play."""
        return self._score

    @property
    def why(self) -> Why:
        """All that explains the score; each field of it is one of this, too."""
        return self._whys[self._place]

    @property
    def prior_part(self) -> float:
        """Of the score, in log-odds, as the next three."""
        return self.why.prior_part

    @property
    def similarity_part(self) -> float:
        """What the picture adds."""
        return self.why.similarity_part

    @property
    def people_part(self) -> float:
        """What those on it add."""
        return self.why.people_part

    @property
    def words_part(self) -> float:
        """What its tags and micro-copy add."""
        return self.why.words_part

    @property
    def similarity(self) -> float:
        """See `Why`, as of all that follow."""
        return self.why.similarity

    @property
    def phrase(self) -> str | None:
        """The user's taste phrase that speaks for it most."""
        return self.why.phrase

    @property
    def phrase_similarity(self) -> float | None:
        """Cosine of that phrase and the picture."""
        return self.why.phrase_similarity

    @property
    def people(self) -> tuple[str, ...]:
        """Those on it whom the user likes or dislikes."""
        return self.why.people

    @property
    def word(self) -> str | None:
        """The tag or micro-copy of it that speaks most for it."""
        return self.why.word

    @property
    def prior(self) -> Prior:
        """What clicks say of it."""
        return self.why.prior

    @property
    def store(self) -> str | None:
        """The folder of the store that it is of, where that is known."""
        return getattr(self._whys, "store", None)

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        from match.notebook import scored_html

        return scored_html(self)

    def _asdict(self) -> dict[str, Any]:
        """Each field by its name, as of a named tuple."""
        return {"artwork_id": self.artwork_id, "path": self.path, "score": self.score, **self.why._asdict()}

    def __iter__(self) -> Iterator[Any]:
        return iter((self.artwork_id, self.path, self.score, *self.why))

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Scored) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Scored({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        whys = Whys.made((self.why,), self.store)  # looked at: a Matcher does not travel
        return Scored, (self.artwork_id, self.path, self.score, whys)


def in_rows(kind: type[Row], *columns: Iterable[Any]) -> Iterator[Row]:
    """Named tuples of a `kind` out of a column for each of its fields. Made by `tuple` itself, which takes half the time that the
    kind's own constructor does; as long as the shortest column."""
    assert len(columns) == len(kind._fields)  # type: ignore[attr-defined]  # tuple would not tell
    return map(partial(tuple.__new__, kind), zip(*columns, strict=False))
