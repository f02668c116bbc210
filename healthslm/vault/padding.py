"""How many rows a content takes, so that their number tells little of what it holds.

Pure. Compressed sizes follow heart rate and activity (doi:10.1145/3463502 shows the like for
wearables' traffic). So rows come from what is known without looking inside: how many samples and
frames a commit has, and the most that was ever needed. What an observer learns is the largest
ever, not the moment. Measured: `./dev bench reliability --task side_channel`.
"""

from __future__ import annotations

import msgspec

from healthslm.vault.seal import PART_BYTES

STATE_STEP, STATE_MOST = 8, 63
JOINED_STEP = 16  # an hour of records takes some fifty rows
RUNGS = 16  # sixteenths of what the samples take uncompressed
FRAME_BYTES = 40  # of a frame's own entry, deflated, at most
PATIENCE = 4  # commits that needed more, before all get more


class Padding(msgspec.Struct, array_like=True):
    """The most that was needed so far; it never falls."""

    state: int = STATE_STEP
    rung: int = RUNGS // 2
    raw_over: int = 0
    derived: int = 1
    derived_over: int = 0
    joined: int = JOINED_STEP

    def raw_rows(self, needed: int, *, frames: int, samples: int) -> int:
        """Return the rows for frames that need at least `needed`."""
        size = 2 * samples * self.rung / RUNGS + FRAME_BYTES * frames
        given = -(-int(size) // PART_BYTES)
        if needed > given and self.rung < RUNGS:
            self.raw_over += 1
            if self.raw_over >= PATIENCE:
                self.rung, self.raw_over = self.rung + 1, 0
        return max(needed, given)

    def derived_rows(self, needed: int) -> int:
        """Return the rows for derived records that need at least `needed`."""
        if needed > self.derived:
            self.derived_over += 1
            if self.derived_over >= PATIENCE:
                self.derived, self.derived_over = needed, 0
        return max(needed, self.derived)

    def joined_rows(self, needed: int) -> int:
        """Return the rows for an hour's records that need at least `needed`."""
        self.joined = max(self.joined, -(-needed // JOINED_STEP) * JOINED_STEP)
        return self.joined

    def state_rows(self, needed: int) -> int:
        """Return the rows for a state that needs at least `needed`."""
        self.state = max(self.state, min(-(-needed // STATE_STEP) * STATE_STEP, STATE_MOST))
        return max(needed, self.state)
