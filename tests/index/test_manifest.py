"""What a snapshot says of its files."""

from pathlib import Path

import pytest
import xxhash

from index import manifest


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_a_file_of_one_block_has_its_plain_xxh3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(manifest, "BLOCK", 10)
    (tmp_path / "file").write_bytes(bytes(range(size)))
    assert manifest.checksum(tmp_path / "file") == xxhash.xxh3_128(bytes(range(size))).hexdigest()


@pytest.mark.parametrize("size", [11, 20, 21, 99])
def test_each_byte_of_a_file_of_several_blocks_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(manifest, "BLOCK", 10)
    whole = bytes(range(size))
    path = tmp_path / "file"
    path.write_bytes(whole)
    blocks = [xxhash.xxh3_128(whole[start : start + 10]).digest() for start in range(0, size, 10)]
    expected = xxhash.xxh3_128(b"".join(blocks)).hexdigest()
    assert manifest.checksum(path) == expected
    for at in range(size):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert manifest.checksum(path) != expected
    path.write_bytes(whole[10:20] + whole[:10] + whole[20:])
    assert manifest.checksum(path) != expected
