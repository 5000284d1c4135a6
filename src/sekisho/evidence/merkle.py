"""The Merkle tree of RFC 6962, section 2.1: hashing, roots, proofs and their verification. Pure.

A hash is 32 bytes of SHA-256. Sizes and indexes count leaves from zero. Proofs verify as RFC 9162,
sections 2.1.3.2 and 2.1.4.2, say; whatever does not verify, or has the wrong shape, is False.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data): a leaf can never be mistaken for a node."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaves already hashed, in order; SHA-256 of nothing for no leaves."""
    frontier = Frontier()
    for each in leaf_hashes:
        frontier.push(each)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: as many hashes as `size` has one-bits, and no more."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        """Roots of complete subtrees, largest (leftmost) first."""

    def push(self, hashed: bytes) -> None:
        """Adds one leaf, already hashed."""
        carry = self.size
        while carry & 1:
            hashed = node_hash(self._peaks.pop(), hashed)
            carry >>= 1
        self._peaks.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        top = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            top = node_hash(peak, top)
        return top


class Tree:
    """A whole tree in memory, about 64 bytes a leaf: for making proofs, one after another."""

    def __init__(self, leaf_hashes: Iterable[bytes]) -> None:
        self._levels = [bytearray(b"".join(leaf_hashes))]
        while len(below := self._levels[-1]) >= 2 * HASH_BYTES:
            self._levels.append(_pairs(below))
        self.size = len(self._levels[0]) // HASH_BYTES

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves."""
        size = self.size if size is None else size
        self._within(size)
        return self._over(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """PATH(index, D[0:size]) of RFC 6962, 2.1.1. IndexError outside the tree."""
        size = self.size if size is None else size
        self._within(size)
        if not 0 <= index < size:
            raise IndexError(f"no leaf {index} in a tree of {size}")
        return self._path(index, 0, size)

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """PROOF(old, D[0:size]) of RFC 6962, 2.1.2; empty where `old` is zero or `size`."""
        size = self.size if size is None else size
        self._within(size)
        if not 0 <= old <= size:
            raise IndexError(f"no tree of {old} before one of {size}")
        return [] if old in (0, size) else self._subproof(old, 0, size, whole=True)

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        middle = start + _split(end - start)
        if index < middle:
            return [*self._path(index, start, middle), self._over(middle, end)]
        return [*self._path(index, middle, end), self._over(start, middle)]

    def _subproof(self, old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self._over(start, end)]
        middle = start + _split(end - start)
        if old <= middle:
            return [*self._subproof(old, start, middle, whole=whole), self._over(middle, end)]
        return [*self._subproof(old, middle, end, whole=False), self._over(start, middle)]

    def _over(self, start: int, end: int) -> bytes:
        length = end - start
        if length & (length - 1) == 0:
            level = length.bit_length() - 1
            place = (start >> level) * HASH_BYTES
            return bytes(self._levels[level][place : place + HASH_BYTES])
        middle = start + _split(length)
        return node_hash(self._over(start, middle), self._over(middle, end))

    def _within(self, size: int) -> None:
        if not 0 <= size <= self.size:
            raise IndexError(f"the tree has {self.size} leaves, not {size}")


def verify_inclusion(hashed: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether the leaf hash stands at `index` in the tree of `size` whose root is `expected`."""
    if not 0 <= index < size or not _are_hashes([hashed, expected, *proof]):
        return False
    node, last, top = index, size - 1, hashed
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            top = node_hash(sibling, top)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            top = node_hash(top, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and top == expected


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `new` leaves only adds to the one of `old`. Nothing is consistent with all."""
    if not 0 <= old <= new or not _are_hashes([old_root, new_root, *proof]):
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    return _grows(old - 1, new - 1, path) == (old_root, new_root)


def _grows(node: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        node, last = node >> 1, last >> 1
    return (before, after) if last == 0 else None


def _split(length: int) -> int:
    """The largest power of two smaller than `length`, which is at least 2."""
    return 1 << ((length - 1).bit_length() - 1)


def _pairs(below: bytearray) -> bytearray:
    whole = len(below) // (2 * HASH_BYTES) * (2 * HASH_BYTES)
    return bytearray().join(
        sha256(b"\x01" + below[place : place + 2 * HASH_BYTES]).digest()
        for place in range(0, whole, 2 * HASH_BYTES)
    )


def _are_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
