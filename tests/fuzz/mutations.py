"""Damage files as accidents and attackers do. The same generator gives the same damage."""

import io
import random
import re
import zipfile
from collections.abc import Callable

HOSTILE_NUMBERS = (
    b"0", b"-1", b"1e400", b"-1e400", b"NaN", b"nan", b"Infinity", b"1e308", b"1e-320", b"2147483648",
    b"18446744073709551616", b"9" * 30, b"9" * 5000,
    b"0x10", b"", b"null", b"true", b'"x"', b"[]", b"{}", b"[1,2]", b"-", b"1.5", b"1000000000",
)  # fmt: skip
"""What replaces a number in a text."""
HOSTILE_BYTES = (
    b"\x00",
    b"\xff",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80",
    b"\xff\xff\xff\x7f",
)
NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?")
WORD = re.compile(rb"[A-Za-z_]{2,}")


def damaged(content: bytes, generator: random.Random) -> bytes:
    """The content with one to three kinds of damage. Members of zip archives are damaged and packed anew."""
    if content.startswith(b"PK") and generator.random() < 0.8:
        return _repacked(content, generator)
    kinds = TEXT if b"\x00" not in content[:2000] else BINARY
    for _ in range(generator.choice((1, 1, 1, 2, 3))):
        content = generator.choice(kinds)(content, generator)
    return content


def _repacked(content: bytes, generator: random.Random) -> bytes:
    """The archive with one damaged member, whose checksum is right again."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        chosen = generator.choice(old.namelist())
        for member in old.infolist():
            data = old.read(member)
            if member.filename == chosen:
                # The first bytes describe the array, or are the start of the pickle: damage them most of the time.
                head = 160 if generator.random() < 0.6 else len(data)
                data = generator.choice(BINARY)(data[:head], generator) + data[head:]
                if generator.random() < 0.05:
                    continue
            new.writestr(member.filename, data, member.compress_type)
    return stream.getvalue()


def _flipped(content: bytes, generator: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(generator.choice((1, 1, 2, 8))):
        if changed:
            changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
    return bytes(changed)


def _overwritten(content: bytes, generator: random.Random) -> bytes:
    place, new = generator.randrange(len(content) + 1), generator.choice(HOSTILE_BYTES)
    return content[:place] + new + content[place + len(new) :]


def _cut(content: bytes, generator: random.Random) -> bytes:
    return content[: generator.randrange(len(content) + 1)]


def _without_a_part(content: bytes, generator: random.Random) -> bytes:
    place = generator.randrange(len(content) + 1)
    return content[:place] + content[place + generator.choice((1, 2, 16, 200)) :]


def _with_a_part_twice(content: bytes, generator: random.Random) -> bytes:
    place = generator.randrange(len(content) + 1)
    return content[:place] + content[place : place + generator.choice((1, 4, 64, 400))] + content[place:]


def _with_noise(content: bytes, generator: random.Random) -> bytes:
    place = generator.randrange(len(content) + 1)
    return content[:place] + generator.randbytes(generator.choice((1, 3, 20))) + content[place:]


def _with_another_number(content: bytes, generator: random.Random) -> bytes:
    places = [*NUMBER.finditer(content)]
    if not places:
        return _flipped(content, generator)
    # The first numbers are counts and rates more often than the others.
    match = generator.choice(places[:30] if generator.random() < 0.5 else places)
    return content[: match.start()] + generator.choice(HOSTILE_NUMBERS) + content[match.end() :]


def _with_another_word(content: bytes, generator: random.Random) -> bytes:
    places = [*WORD.finditer(content)]
    if not places:
        return _flipped(content, generator)
    one, other = generator.choice(places), generator.choice(places)
    return content[: one.start()] + generator.choice((other[0], b"", b"x" * 300)) + content[one.end() :]


def _with_lines_changed(content: bytes, generator: random.Random) -> bytes:
    lines = content.split(b"\n")
    one, other = generator.randrange(len(lines)), generator.randrange(len(lines))
    if generator.random() < 0.5:
        lines[one], lines[other] = lines[other], lines[one]
    else:
        del lines[one]
    return b"\n".join(lines)


Damage = Callable[[bytes, random.Random], bytes]
BINARY: tuple[Damage, ...] = (_flipped, _overwritten, _cut, _without_a_part, _with_a_part_twice, _with_noise)
TEXT: tuple[Damage, ...] = (
    *(_with_another_number, _with_another_number, _with_another_number, _with_another_word, _with_lines_changed),
    *BINARY,
)
