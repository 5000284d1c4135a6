"""Notes, checkpoints and keys as text: what other software writes and reads, and nothing else."""

import pytest

from sekisho.evidence.note import (
    BadNote,
    Checkpoint,
    NotSigned,
    Signer,
    Verifier,
    parse,
    read_checkpoint,
    sign,
)

# The example of Go's golang.org/x/mod/sumdb/note.
SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = (
    TEXT + "\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

LOG = Signer("shiomino.example/log-1", bytes(range(32)))
WITNESS = Signer("witness.example", bytes(range(1, 33)))
POINT = Checkpoint("shiomino.example/log-1", 18, bytes(range(32)))
SIGNED = sign(POINT.text, [LOG]).encode()


def test_published_example():
    """The key, the text and the signature that Go's own documentation shows, byte for byte."""
    signer = Signer.parse(SKEY)
    assert str(signer.verifier) == VKEY
    assert str(signer) == SKEY
    assert sign(TEXT, [signer]).encode() == NOTE
    note = parse(NOTE)
    note.signed_by(Verifier.parse(VKEY + "\n"))
    assert note.text == TEXT


def test_new_keys_read_back():
    """A generated key survives being written, and does not show itself in a representation."""
    signer = Signer.generate("shiomino.example/log-1")
    assert Signer.parse(f"{signer}\n") == signer
    assert Verifier.parse(str(signer.verifier)) == signer.verifier
    assert str(signer).split("+")[-1] not in repr(signer)
    with pytest.raises(BadNote, match="blanks"):
        Signer.generate("two words")


def test_checkpoint_as_published():
    """Origin, size and root stand on three lines, as C2SP tlog-checkpoint shows them."""
    assert POINT.text == "shiomino.example/log-1\n18\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert read_checkpoint(SIGNED, LOG.verifier) == POINT


@pytest.mark.parametrize("data", [NOTE, SIGNED], ids=["note", "checkpoint"])
def test_every_changed_byte_is_found(data: bytes):
    """Each single bit of each byte, flipped: not one is read as signed."""
    verifier = Verifier.parse(VKEY) if data == NOTE else LOG.verifier
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            with pytest.raises(BadNote):
                parse(bytes(changed)).signed_by(verifier)


@pytest.mark.parametrize("text", [VKEY, SKEY], ids=["verifier", "signer"])
def test_every_changed_character_of_a_key_is_found(text: str):
    """A key binds its name, its id and its bytes: none changes alone, nor is one cut short."""
    read = Verifier.parse if text == VKEY else Signer.parse
    for place in range(len(text)):
        with pytest.raises(BadNote):
            read(text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :])
        with pytest.raises(BadNote):
            read(text[:place])
        with pytest.raises(BadNote):
            read(text[place + 1 :])


def test_witnesses_can_be_added():
    """A second signature by a witness is read with the witness's key, and refused without it or when bad."""
    both = sign(POINT.text, [LOG, WITNESS])
    others = {WITNESS.name: WITNESS.verifier}
    assert read_checkpoint(both.encode(), LOG.verifier, others) == POINT
    with pytest.raises(NotSigned, match="not known"):
        read_checkpoint(both.encode(), LOG.verifier)
    with pytest.raises(NotSigned):
        read_checkpoint(both.encode().replace(b"witness.", b"witnesS."), LOG.verifier, others)
    with pytest.raises(NotSigned, match="0 signatures"):
        read_checkpoint(sign(POINT.text, [WITNESS]).encode(), LOG.verifier, others)
    with pytest.raises(NotSigned, match="2 signatures"):
        read_checkpoint(sign(POINT.text, [LOG, LOG]).encode(), LOG.verifier)


def test_the_same_name_with_another_key_is_not_the_log():
    """Whoever only takes the log's name signs nothing."""
    impostor = Signer(LOG.name, bytes(32))
    with pytest.raises(NotSigned):
        read_checkpoint(sign(POINT.text, [impostor]).encode(), LOG.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "shiomino.example/log-1\n018\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "shiomino.example/log-1\n-1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "shiomino.example/log-1\n１\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "shiomino.example/log-1\n18\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n",
        "shiomino.example/log-1\n18\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\n",
        "shiomino.example/log-1\n18\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nmore\n",
        "shiomino.example/log-1\n18\n",
        "other.example\n18\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    ],
)
def test_other_ways_to_write_a_checkpoint_are_refused(text: str):
    """Signed or not: leading zeros, other digits, spare bits, a short root, more or fewer lines, another log."""
    with pytest.raises(BadNote):
        read_checkpoint(sign(text, [LOG]).encode(), LOG.verifier)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        SIGNED[:-1],
        SIGNED + b"\n",
        SIGNED.replace(b"\n", b"\r\n"),
        SIGNED.replace("— ".encode(), b"- "),
        SIGNED.replace("— ".encode(), "—  ".encode()),
        SIGNED + "— a b=\n".encode() * 100,
        SIGNED + "— x AAAAAA==\n".encode(),
        POINT.text.encode(),
        b"\xff" + SIGNED,
        b"x" * 1_000_001,
    ],
)
def test_what_is_no_note(data: bytes):
    """Anything but text, empty line, signature lines is refused before any signature is looked at."""
    with pytest.raises(BadNote):
        parse(data)
