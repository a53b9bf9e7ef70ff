"""What is looked at in the bytes of a MIDI file before any library sees them: a strict, small reader of the format.

It follows the "Standard MIDI Files 1.0" of the MIDI Association: a header chunk, then tracks of events with
variable-length times and running status. Whatever is too large, too long or cut off is refused in one line, and only
events that mean something for notes are handed on, so that a damaged file costs neither memory nor time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from studio.errors import InputError
from studio.media import files

MAX_BYTES = 1_000_000
MAX_TRACKS = 64
MAX_EVENTS = 200_000
MAX_SECONDS = 30 * 60
MAX_TICKS = 4_000_000  # half an hour at 277 quarters a minute and 480 ticks a quarter; libraries hold a table of them
COARSE = 480  # ticks a quarter that a file with more ticks than that is brought to

META = 0xFF
TEXT, TRACK_NAME, END_OF_TRACK, TEMPO, METER, KEY = 0x01, 0x03, 0x2F, 0x51, 0x58, 0x59
DEFAULT_TEMPO = 500_000  # microseconds a quarter where a file says nothing

Event = tuple[int, int, int, int]
"""The tick from the start, the status byte, and its one or two data bytes."""


@dataclass(frozen=True)
class Track:
    """Events of the channels, and texts (tick, kind, latin-1) of kind TEXT or TRACK_NAME; both in order of time."""

    events: list[Event]
    texts: list[tuple[int, int, str]]


@dataclass(frozen=True)
class Scanned:
    """A whole MIDI file. `division`: ticks a quarter; tempos, meters and keys by tick, from whichever track has them.

    tempos: microseconds a quarter; meters: (beats, unit); keys: (sharps, whether minor).
    """

    division: int
    tracks: list[Track] = field(default_factory=list)
    tempos: dict[int, int] = field(default_factory=dict)
    meters: dict[int, tuple[int, int]] = field(default_factory=dict)
    keys: dict[int, tuple[int, bool]] = field(default_factory=dict)

    @property
    def notes(self) -> int:
        """How many notes begin."""
        return sum(1 for track in self.tracks for _, status, _, b in track.events if status >> 4 == 9 and b)


def read_bytes(path: str | Path) -> bytes:
    """The content of a file that may be a MIDI file. Raises InputError if it is missing, unreadable or too large."""
    files.check_readable(path)
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from None


def scan(content: bytes, name: str, *, however_long: bool = False) -> Scanned:
    """Read the events of a MIDI file. Raises InputError, one line that begins with `name`.

    however_long: take also what lasts longer than a library or a player could bear, for a look at its texts alone.
    """
    division, count, at = _header(content, name)
    scanned = Scanned(division)
    left = MAX_EVENTS
    last = 0
    while len(scanned.tracks) < count:
        which = f"track {len(scanned.tracks) + 1} of {count}"
        if at + 8 > len(content):
            raise _damaged(name, f"{which} is missing")
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "big")
        chunk = content[at + 8 : at + 8 + size]
        if len(chunk) < size:
            raise _damaged(name, f"{which} is cut off")
        at += 8 + size
        if kind != b"MTrk":
            continue  # the format lets programs add chunks of their own
        try:
            ticks, events = _read_track(chunk, scanned, left)
        except (_DamagedError, IndexError):
            raise _damaged(name, f"an event in {which} is broken") from None
        left -= events
        if left < 0:
            raise InputError(f"{name} has more than {MAX_EVENTS:,} events; expected a tune, cut out the part you want.")
        last = max(last, ticks)
    if however_long:
        return scanned
    _check_length(scanned, last, name)
    if last > MAX_TICKS and division > COARSE:
        scanned = _coarser(scanned)
        last = last * COARSE // division
    if last > MAX_TICKS:
        raise InputError(
            f"{name} is {last:,} ticks long; expected at most {MAX_TICKS:,}, export it with fewer ticks a quarter note."
        )
    return scanned


def _coarser(scanned: Scanned) -> Scanned:
    """The same at COARSE ticks a quarter."""

    def at(tick: int) -> int:
        return round(tick * COARSE / scanned.division)

    return Scanned(
        COARSE,
        [
            Track(
                [(at(tick), status, first, second) for tick, status, first, second in track.events],
                [(at(tick), kind, text) for tick, kind, text in track.texts],
            )
            for track in scanned.tracks
        ],
        {at(tick): tempo for tick, tempo in scanned.tempos.items()},
        {at(tick): meter for tick, meter in scanned.meters.items()},
        {at(tick): key for tick, key in scanned.keys.items()},
    )


def _header(content: bytes, name: str) -> tuple[int, int, int]:
    """(ticks a quarter, number of tracks, where the first chunk begins)."""
    if not content:
        raise InputError(f"{name} is empty; expected a MIDI file.")
    if len(content) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES / 1e6:.0f} MB; expected a MIDI file of one piece.")
    if content[:4] != b"MThd":
        raise InputError(f"{name} is not a MIDI file; expected one as notation programs and sequencers export it.")
    size = int.from_bytes(content[4:8], "big")
    if len(content) < 14 or size < 6 or 8 + size > len(content):
        raise _damaged(name, "its header is cut off")
    kind, count, division = (int.from_bytes(content[at : at + 2], "big") for at in (8, 10, 12))
    if kind > 1:
        raise InputError(f"{name} is a MIDI file of type {kind}; expected type 0 or 1, export it again as one of them.")
    if not 1 <= count <= MAX_TRACKS:
        raise InputError(f"{name} has {count} tracks; expected 1 to {MAX_TRACKS}.")
    if division == 0:
        raise InputError(f"{name} says 0 ticks a quarter note, so its notes have no length; export it again.")
    if division & 0x8000:
        raise InputError(
            f"{name} counts time in film frames (SMPTE); expected ticks a quarter note, export it again that way."
        )
    return division, count, 8 + size


class _DamagedError(Exception):
    """Bytes that are no event."""


def _read_track(data: bytes, scanned: Scanned, limit: int) -> tuple[int, int]:
    """Add a track to what was scanned. Returns its last tick and how many events it has, or `limit` + 1."""
    track = Track([], [])
    scanned.tracks.append(track)
    at = tick = count = running = 0
    while at < len(data):
        count += 1
        if count > limit:
            break
        delta, at = _number(data, at)
        tick += delta
        status = data[at]
        if status & 0x80:
            at += 1
        else:
            status = running
        if status == META:
            kind = data[at]
            size, start = _number(data, at + 1)
            at = start + size
            if at > len(data):
                raise _DamagedError
            if kind == END_OF_TRACK:
                break
            _note_meta(tick, kind, data[start:at], scanned, track)
        elif status in (0xF0, 0xF7):  # system exclusive: for one make of machine, passed over
            size, start = _number(data, at)
            at = start + size
            running = 0
            if at > len(data):
                raise _DamagedError
        elif 0x80 <= status < 0xF0:
            running = status
            first, second = data[at], 0
            if 0xC0 <= status < 0xE0:
                at += 1
            else:
                second = data[at + 1]
                at += 2
            if (first | second) & 0x80:
                raise _DamagedError
            track.events.append((tick, status, first, second))
        else:
            raise _DamagedError
    return tick, count


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, seven bits a byte, four bytes at most; and where it ends."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value = byte & 0x7F
    for following in range(at + 1, at + 4):
        byte = data[following]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, following + 1
    raise _DamagedError


def _note_meta(tick: int, kind: int, body: bytes, scanned: Scanned, track: Track) -> None:
    """Take what says how the notes are to be read; what is against the format is passed over, but for a tempo of 0."""
    if kind in (TEXT, TRACK_NAME):
        track.texts.append((tick, kind, body.decode("latin-1")))
    elif kind == TEMPO and len(body) >= 3:
        scanned.tempos[tick] = int.from_bytes(body[:3], "big")
        if not scanned.tempos[tick]:
            raise _DamagedError
    elif kind == METER and len(body) >= 2 and body[0] and body[1] <= 6:
        scanned.meters[tick] = (body[0], 2 ** body[1])
    elif kind == KEY and len(body) >= 2 and body[1] <= 1:
        sharps = body[0] - 256 if body[0] > 127 else body[0]
        if -7 <= sharps <= 7:
            scanned.keys[tick] = (sharps, bool(body[1]))


def _check_length(scanned: Scanned, last: int, name: str) -> None:
    seconds, since, tempo = 0.0, 0, DEFAULT_TEMPO
    for tick, following in sorted(scanned.tempos.items()):
        if tick > last:
            break
        seconds += (tick - since) * tempo / scanned.division / 1e6
        since, tempo = tick, following
    seconds += (last - since) * tempo / scanned.division / 1e6
    if seconds > MAX_SECONDS:
        lasts = f"{seconds / 60:.0f} minutes" if seconds < 10_800 else f"{seconds / 3600:,.0f} hours"
        raise InputError(f"{name} lasts {lasts}; expected at most {MAX_SECONDS // 60} minutes, cut out what you want.")


def _damaged(name: str, why: str) -> InputError:
    return InputError(f"{name} is damaged: {why}; export it again.")
