"""The tree is RFC 6962's: published vectors, and every proof against the definition written out plainly."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evidence.merkle import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The reference tree of Certificate Transparency: its eight leaves and the root after each of them.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(each) for each in LEAVES]


def plain_root(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962, 2.1 defines it, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(size)]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int):
    """Each root of the reference tree, incrementally, at once, and as a prefix of the whole."""
    expected = bytes.fromhex(ROOTS[size])
    assert root(HASHES[:size]) == expected
    assert Tree(HASHES).root(size) == expected


def test_published_proofs():
    """Two audit paths and a consistency proof of the reference tree, as others have published them."""
    tree = Tree(HASHES)
    assert [each.hex() for each in tree.inclusion(0)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [each.hex() for each in tree.consistency(6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [each.hex() for each in tree.consistency(2, 5)] == [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]


def test_every_proof_of_small_trees():
    """Up to 33 leaves, every root, inclusion and consistency proof agrees with the plain definition."""
    leaves = leaves_of(33)
    tree, roots = Tree(leaves), [plain_root(leaves[:size]) for size in range(34)]
    frontier = Frontier()
    for size in range(34):
        assert frontier.root() == tree.root(size) == roots[size]
        assert frontier.size == size
        for index in range(size):
            assert verify_inclusion(leaves[index], index, size, tree.inclusion(index, size), roots[size])
        for old in range(size + 1):
            assert verify_consistency(old, size, roots[old], roots[size], tree.consistency(old, size))
        if size < 33:
            frontier.push(leaves[size])


@settings(max_examples=300)
@given(st.data())
def test_a_changed_inclusion_proof_fails(data: st.DataObject):
    """Another leaf, index, size, root, or one hash of the proof changed, dropped or added: False."""
    size = data.draw(st.integers(1, 40))
    index = data.draw(st.integers(0, size - 1))
    tree = Tree(leaves_of(size))
    proof, leaf = tree.inclusion(index), leaves_of(size)[index]
    assert verify_inclusion(leaf, index, size, proof, tree.root())
    place = data.draw(st.integers(0, len(proof)))
    flipped = [bytes([each[0] ^ 1]) + each[1:] for each in [leaf, *proof]]
    for bad in (proof[:place] + proof[place + 1 :], [*proof[:place], leaf, *proof[place:]]):
        if bad != proof:
            assert not verify_inclusion(leaf, index, size, bad, tree.root())
    if place < len(proof):
        bad = [*proof[:place], flipped[place + 1], *proof[place + 1 :]]
        assert not verify_inclusion(leaf, index, size, bad, tree.root())
    assert not verify_inclusion(flipped[0], index, size, proof, tree.root())
    assert not verify_inclusion(leaf, index, size, proof, leaf_hash(tree.root()))
    assert not verify_inclusion(leaf, size, size, proof, tree.root())
    assert not verify_inclusion(leaf, -1, size, proof, tree.root())
    for other in range(size):
        if other != index:
            assert not verify_inclusion(leaf, other, size, proof, tree.root())


@settings(max_examples=300)
@given(st.data())
def test_a_changed_consistency_proof_fails(data: st.DataObject):
    """A tree whose past was rewritten, or one hash of the proof changed, dropped or added: False."""
    new = data.draw(st.integers(2, 40))
    old = data.draw(st.integers(1, new - 1))
    leaves = leaves_of(new)
    tree = Tree(leaves)
    proof = tree.consistency(old)
    assert verify_consistency(old, new, tree.root(old), tree.root(), proof)
    rewritten = data.draw(st.integers(0, old - 1))
    other = Tree([*leaves[:rewritten], leaf_hash(b"rewritten"), *leaves[rewritten + 1 :]])
    assert not verify_consistency(old, new, tree.root(old), other.root(), other.consistency(old))
    place = data.draw(st.integers(0, len(proof)))
    assert not verify_consistency(
        old, new, tree.root(old), tree.root(), [*proof[:place], *proof[place + 1 :]][: len(proof) - 1]
    )
    assert not verify_consistency(
        old, new, tree.root(old), tree.root(), [*proof[:place], leaves[0][::-1], *proof[place:]]
    )
    assert not verify_consistency(new, old, tree.root(), tree.root(old), proof)


def test_edges():
    """Nothing, one leaf, wrong lengths: the corners where verifiers have been wrong before."""
    one = leaves_of(1)[0]
    assert verify_inclusion(one, 0, 1, [], one)
    assert not verify_inclusion(one, 0, 0, [], EMPTY_ROOT)
    assert not verify_inclusion(one, 0, 1, [one], one)
    assert not verify_inclusion(one[:31], 0, 1, [], one[:31])
    assert not verify_inclusion(one, 0, 2, [one[:31]], node_hash(one, one[:31]))
    assert verify_consistency(0, 5, EMPTY_ROOT, one, [])
    assert not verify_consistency(0, 5, one, one, [])
    assert not verify_consistency(0, 5, EMPTY_ROOT, one, [one])
    assert not verify_consistency(3, 3, one, one, [one])
    assert not verify_consistency(3, 5, one, one, [])
    with pytest.raises(IndexError):
        Tree([one]).inclusion(1)
    with pytest.raises(IndexError):
        Tree([one]).root(2)
    with pytest.raises(IndexError):
        Tree([one]).consistency(2)
