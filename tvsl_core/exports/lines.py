"""``audacity``, ``mot`` and ``rttm``: formats of one plain line an event or an instant."""

from __future__ import annotations

from tvsl_core.exports.results import VideoResults
from tvsl_core.vocabulary.people import is_speech


def audacity_labels(video: VideoResults) -> str:
    """A label track of Audacity (File, Import, Labels): start, end and name, separated by tabs."""
    return "".join(
        f"{event.start_s:.6f}\t{event.end_s:.6f}\t{' '.join(event.name.split())} {event.score:.2f}\n"
        for event in video.events
    )


def mot_lines(video: VideoResults) -> str:
    """MOTChallenge: ``frame, id, left, top, width, height, score, -1, -1, -1``; frames and numbers count from 1.

    Pixels are those that the file stores, since tools of this format read frames without their pixel aspect ratio.
    """
    lines = []
    for one in video.instants:
        if one.box is not None:
            left, top, right, bottom = video.to_stored(one.box)
            place = f"{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f}"
            lines.append(f"{one.frame + 1},{one.source_id + 1},{place},{one.score:.4f},-1,-1,-1\n")
    return "".join(sorted(lines, key=lambda line: tuple(int(part) for part in line.split(",")[:2])))


def rttm_lines(video: VideoResults) -> str:
    """NIST rich transcription, who spoke when: a ``SPEAKER`` line an event of speech, and a speaker a source.

    A name holds no blanks there. What nobody speaks is left out: the tools of this format would take it for a voice.
    """
    file = "_".join(video.name.split())
    return "".join(
        f"SPEAKER {file} 1 {event.start_s:.3f} {event.end_s - event.start_s:.3f} <NA> <NA> "
        f"speaker_{event.source_id} {event.score:.3f} <NA>\n"
        for event in video.events
        if is_speech(event.name)
    )
