"""Which artwork may be shown: locale, screen, maturity, spoilers, campaign windows, allow and deny lists.

Exact: the artwork of the page is looked at one by one, never a sample of the nearest. Nothing is asked of artwork whose row says
nothing. What a row says of itself, its campaign and that it gives the story away, holds without being asked for.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MOST_CROPPED = 0.25  # of a picture that may be lost when it fills a place of another shape
FREE = 0  # of `Blocked.by`: may be shown


@dataclass(frozen=True)
class Context:
    """Where, when and to whom a page is shown. Each field but `segment` narrows the choice; left out, it asks nothing.

    An artwork fits a locale that is its own, or of which one is the other's beginning (RFC 4647, basic filtering): "pt" and
    "pt-BR" meet, "pt-PT" and "pt-BR" do not. It fits a place which, filled by it, shows at least three quarters of it.
    """

    locale: str | None = None  # a language tag such as pt-BR
    aspect: float | None = None  # width / height of the place on the screen, above 0
    maturity: float | None = None  # the viewer's age in years: what is for older ones is not shown
    seen: Collection[str] = field(default=())  # title_ids whose story the viewer knows: their spoilers may be shown
    at: datetime | None = None  # for campaigns; now where left out; UTC where it names no zone
    allow: Collection[str] | None = None  # artwork_ids: only these
    deny: Collection[str] = field(default=())  # artwork_ids: none of these
    segment: str | None = None  # the viewer's audience segment: its average, else the locale's, speaks for who has no taste yet


@dataclass(frozen=True)
class Blocked:
    """What stops each artwork of a page: `by` (n,) int8 is FREE or the number of the first filter in NAMES that stops it."""

    by: np.ndarray

    @property
    def free(self) -> np.ndarray:
        """(n,) bool: what may be shown."""
        free: np.ndarray = self.by == FREE
        return free

    @property
    def as_fallback(self) -> np.ndarray:
        """(n,) bool: what may be shown if it is its title's fallback: language and shape are forgiven, nothing else is."""
        forgiven: np.ndarray = (self.by == FREE) | (self.by >= FORGIVEN)
        return forgiven

    def counts(self, starts: np.ndarray) -> np.ndarray:
        """(titles, len(NAMES)): how many of each title's artworks each filter stopped; title i's are starts[i]:starts[i + 1]."""
        titles = np.repeat(np.arange(len(starts) - 1), starts[1:] - starts[:-1])
        shape = len(starts) - 1, len(NAMES)
        counts: np.ndarray = np.bincount(titles * shape[1] + self.by, minlength=shape[0] * shape[1]).reshape(shape)
        return counts


def in_words(counts: Sequence[int]) -> str:
    """One title's `Blocked.counts`, most first, such as "2 by locale, 1 by maturity"."""
    stopped = sorted(range(1, len(NAMES)), key=lambda number: -counts[number])
    return ", ".join(f"{counts[number]} by {NAMES[number]}" for number in stopped if counts[number])


@dataclass(frozen=True)
class Flags:
    """What the filters look at, one value per artwork; None where no artwork of the catalog says anything."""

    locales: tuple[str, ...]
    locale: np.ndarray | None  # (n,) int32 numbers of `locales`; len(locales) where an artwork is for all
    aspect: np.ndarray | None  # (n,) float32; nan where it is not known
    maturity: np.ndarray | None  # (n,) float32; 0 for all
    spoiler: np.ndarray | None  # (n,) bool
    shown_from: np.ndarray | None  # (n,) int64, microseconds since 1970 in UTC
    shown_until: np.ndarray | None

    @classmethod
    def of(cls, artwork: pa.Table) -> "Flags":
        """Those of a snapshot's artwork."""
        locale = pc.dictionary_encode(artwork["locale"]).combine_chunks()
        locales = tuple(locale.dictionary.to_pylist()) if len(artwork) else ()
        numbers = pc.fill_null(locale.indices, len(locales)).to_numpy() if locales else None
        times = {name: artwork[name].cast(pa.int64()) for name in ("shown_from", "shown_until")}
        limits = np.iinfo(np.int64)
        return cls(
            locales,
            numbers,
            _filled(pc.divide(artwork["width"].cast(pa.float32()), artwork["height"].cast(pa.float32())), np.nan),
            _filled(artwork["maturity"], 0.0),
            _filled(artwork["spoiler"], False),
            _filled(times["shown_from"], limits.min),
            _filled(times["shown_until"], limits.max),
        )

    def block(
        self, context: Context, rows: np.ndarray, known: Callable[[], np.ndarray], ids: Callable[[], pa.Array]
    ) -> Blocked | None:
        """What stops the artwork of these rows (n,); None where nothing stops any of the catalog's.

        known(): (n,) bool, whether each row's title is in `context.seen`; ids(): (n,) the artwork_ids; both are called only
        where they matter. Raises ValueError where the context's aspect is no number above 0.
        """
        fits = self._tests(context, rows, known, ids)
        if not fits:
            return None
        by = np.zeros(len(rows), np.int8)
        for number in sorted(fits, reverse=True):  # the first of NAMES has the last word
            by[~fits[number]] = number
        return Blocked(by)

    def in_locale(self, locale: str, rows: np.ndarray) -> np.ndarray:
        """(n,) bool: which artwork of these rows (n,) is made for the locale, or for all; see `Context`."""
        if self.locale is None:
            return np.ones(len(rows), bool)
        read = np.array([speaks(own, locale) for own in self.locales] + [True])
        fits: np.ndarray = read[self.locale[rows]]
        return fits

    def _tests(
        self, context: Context, rows: np.ndarray, known: Callable[[], np.ndarray], ids: Callable[[], pa.Array]
    ) -> dict[int, np.ndarray]:
        """Number of a filter in NAMES to (n,) bool, what passes it; only those that could stop something."""
        fits: dict[str, np.ndarray] = {}
        if self.shown_from is not None or self.shown_until is not None:
            fits["campaign"] = self._in_campaign(_microseconds(context.at), rows)
        if self.maturity is not None and context.maturity is not None:
            fits["maturity"] = self.maturity[rows] <= context.maturity
        if self.spoiler is not None:
            fits["spoiler"] = ~self.spoiler[rows] | (known() if context.seen else False)
        if context.deny:
            fits["deny list"] = ~_is_in(ids(), context.deny)
        if context.allow is not None:
            fits["allow list"] = _is_in(ids(), context.allow)
        if self.locale is not None and context.locale is not None:
            fits["locale"] = self.in_locale(context.locale, rows)
        if self.aspect is not None and context.aspect is not None:
            fits["aspect"] = self._fills(context.aspect, rows)
        return {NAMES.index(name): fit for name, fit in fits.items()}

    def _in_campaign(self, at: int, rows: np.ndarray) -> np.ndarray:
        fits = np.ones(len(rows), bool)
        if self.shown_from is not None:
            fits &= self.shown_from[rows] <= at
        if self.shown_until is not None:
            fits &= self.shown_until[rows] > at
        return fits

    def _fills(self, aspect: float, rows: np.ndarray) -> np.ndarray:
        if not 0 < aspect < np.inf:
            raise ValueError(f"a context's aspect is width / height, above 0; not {aspect}")
        assert self.aspect is not None
        shares = self.aspect[rows] / np.float32(aspect)
        cropped: np.ndarray = np.minimum(shares, 1 / shares) < 1 - MOST_CROPPED
        return ~cropped  # of unknown shape: it fits


NAMES = ("", "campaign", "maturity", "spoiler", "deny list", "allow list", "locale", "aspect")  # in the order of their say
FORGIVEN = NAMES.index("locale")  # from here on a fallback is shown all the same


def _filled(column: pa.ChunkedArray, nothing: float) -> np.ndarray | None:
    """The column as an array, `nothing` where it is null; None where it is null throughout."""
    if column.null_count == len(column):
        return None
    filled: np.ndarray = pc.fill_null(column, pa.scalar(nothing, column.type)).combine_chunks().to_numpy(zero_copy_only=False)
    return filled if filled.dtype != bool or filled.any() else None


def _microseconds(at: datetime | None) -> int:
    at = at or datetime.now(UTC)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6)


def _is_in(ids: pa.Array, listed: Collection[str]) -> np.ndarray:
    found: np.ndarray = pc.is_in(ids, value_set=pa.array(list(listed), pa.string())).to_numpy(zero_copy_only=False)
    return found


def speaks(one: str, other: str) -> bool:
    """Whether two locales meet: one is the other's beginning (RFC 4647, basic filtering)."""
    one, other = (f"{tag.casefold().replace('_', '-')}-" for tag in (one, other))
    return one.startswith(other) or other.startswith(one)
