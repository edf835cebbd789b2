"""Profiles that a person edited: they stand beside those that embed_users makes, and are what users get until they are dropped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import ProfileError
from embed.locks import only_writer
from embed.records import EDIT, Phrase
from embed.store import Store, check_fingerprint, has_table, mend_table, read_table, replace_table, tidy_table
from embed.tastes.phrase_book import open_book
from embed.tastes.phrases import pieces_of

if TYPE_CHECKING:
    from embed.encoder import Encoder


def keep_edit(store: Store, user_id: str, phrases: Sequence[Phrase], encoder: "Encoder") -> int:
    """Make these phrases the user's profile until `forget_edit`; returns how many of them were new to the store.

    Raises ProfileError where a phrase is longer than the text tower reads, FingerprintError where the encoder is not the store's.
    """
    check_fingerprint(store, encoder.choice, encoder.fingerprint)
    for phrase in phrases:
        if len(pieces_of(phrase.text, encoder)) > 1:
            raise ProfileError(f"phrase {phrase.text!r} is longer than the text tower reads; divide it into lines of their own")
    with only_writer(store.lock(f"{store.folder}-users"), "edit_profile"):
        mend_table(store, "phrases")
        book = open_book(store, encoder)
        book.learn(book.vocabulary.numbers((phrase.kind, phrase.text) for phrase in phrases))
        told = [{"text": p.text, "kind": p.kind, "weight": p.weight, "titles": p.titles, "interest": 0} for p in phrases]
        row = {"user_id": user_id, "phrases": told, "edited_at": datetime.now(UTC)}
        _replace(store, user_id, [row])
    return book.encoded


def forget_edit(store: Store, user_id: str) -> bool:
    """Drop the user's edited profile, so that the one that embed_users made is theirs again; whether there was one."""
    with only_writer(store.lock(f"{store.folder}-users"), "edit_profile"):
        there = has_table(store, "edits") and user_id in read_table(store, "edits", ["user_id"])["user_id"].to_pylist()
        if there:
            _replace(store, user_id, [])
    return there


def _replace(store: Store, user_id: str, rows: list[dict[str, object]]) -> None:
    """The user's row by these; of no encoder, so that jobs of two encoders might write at once."""
    with only_writer(store.lock("edits"), "edit_profile", wait=30):
        mend_table(store, "edits")
        edits = read_table(store, "edits") if has_table(store, "edits") else EDIT.empty_table()
        others = edits.filter(pc.not_equal(edits["user_id"], user_id))
        replace_table(store, "edits", pa.concat_tables([others, pa.Table.from_pylist(rows, schema=EDIT)]))
        tidy_table(store, "edits")
