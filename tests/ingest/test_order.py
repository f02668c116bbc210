from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import BadMessage
from healthslm.ingest import Intake, Repeat, Taken, Wait
from healthslm.ingest.order import FUTURE_S, MAX_LANES, PAST_S, TOLERANCE_S
from healthslm.records import Frame, Gap

NOW_S = 1.7e9
FS = 250.0
N = 250  # samples of a frame: one second


def frame(seq, *, boot=1, kept=0, t_s=None, start=None, stream="ecg", fs=FS, n=N):
    start = seq * N if start is None else start
    t_s = NOW_S + start / fs if t_s is None else t_s
    return Frame("chest", stream, boot, seq, start, t_s, fs, "mV", 1.0, 0.0, bytes(2 * n), kept)


def run(intake, frames):
    return [intake.accept(f, NOW_S) for f in frames]


def test_frames_in_order_are_one_line_without_gaps():
    results = run(Intake(), [frame(i) for i in range(5)])
    assert [r.gap for r in results] == [None] * 5
    assert [r.chunk.start for r in results] == [0, 250, 500, 750, 1000]
    assert {r.chunk.epoch_s for r in results} == {NOW_S}


def test_a_repeat_is_dropped_and_counted():
    intake = Intake()
    run(intake, [frame(0), frame(1)])
    assert run(intake, [frame(0), frame(1)]) == [Repeat(), Repeat()]
    assert intake.counts == {"taken": 2, "repeat": 2}


def test_a_frame_too_soon_waits_while_its_sensor_keeps_the_missing_one():
    intake = Intake()
    first, wait, late, then = run(intake, [frame(0), frame(2), frame(1), frame(2)])
    assert wait == Wait(due=1)
    assert [x.chunk.start for x in (first, late, then)] == [0, 250, 500]


def test_what_a_sensor_no_longer_keeps_is_a_gap():
    _, after = run(Intake(), [frame(0), frame(3, kept=3)])
    assert after.gap == Gap("chest/ecg", NOW_S + 1, NOW_S + 3, 500)


def test_what_it_keeps_after_the_gap_is_not_lost_with_it():
    """Frame 1 is gone, 2 overtaken by 3: what is asked for is 2, and only 1 is missing."""
    _, early, then, last = run(
        Intake(), [frame(0), frame(3, kept=2), frame(2, kept=2), frame(3, kept=2)]
    )
    assert early == Wait(due=2)
    assert then.gap == Gap("chest/ecg", NOW_S + 1, NOW_S + 2, 250)
    assert last.gap is None


@pytest.mark.parametrize(("kept", "waits"), [(0, True), (1, True), (2, False), (None, False)])
def test_the_oldest_kept_number_decides_between_waiting_and_a_gap(kept, waits):
    _, result = run(Intake(), [frame(0), frame(2, kept=kept)])
    assert isinstance(result, Wait) == waits


def test_a_stream_that_begins_in_the_middle_has_no_gap_before_it():
    (result,) = run(Intake(), [frame(7, kept=None)])
    assert result.gap is None
    assert result.chunk.start == 7 * N


def test_a_higher_boot_begins_anew_and_a_lower_one_is_old():
    intake = Intake()
    again = replace(frame(0, boot=2), t_s=NOW_S + 10)
    _, _, new, old = run(intake, [frame(0), frame(1), again, frame(2)])
    assert new.gap == Gap("chest/ecg", NOW_S + 2, NOW_S + 10, 8 * N)
    assert new.chunk.start > 2 * N  # a jump: no stage may bridge it
    assert new.chunk.t_s == NOW_S + 10
    assert old == Repeat()
    assert intake.due() == {"chest/ecg": (2, 1)}


def test_a_new_boot_that_begins_late_waits_for_its_first_frame():
    intake = Intake()
    assert run(intake, [frame(3), frame(1, boot=2)])[1] == Wait(due=0)


def test_an_index_that_jumps_is_a_gap_in_the_same_line():
    _, after = run(Intake(), [frame(0), frame(1, start=500)])
    assert after.gap == Gap("chest/ecg", NOW_S + 1, NOW_S + 2, 250)
    assert (after.chunk.start, after.chunk.epoch_s) == (500, NOW_S)


def test_an_index_that_goes_back_is_refused_and_its_number_counts():
    intake = Intake()
    run(intake, [frame(0)])
    with pytest.raises(BadMessage, match="order"):
        intake.accept(frame(1, start=249), NOW_S)
    assert intake.due() == {"chest/ecg": (1, 2)}
    assert intake.counts == {"taken": 1, "order": 1}


@pytest.mark.parametrize(
    ("t_s", "good"),
    [
        (NOW_S - PAST_S, True),
        (NOW_S - PAST_S - 0.01, False),
        (NOW_S + FUTURE_S, True),
        (NOW_S + FUTURE_S + 0.01, False),
    ],
)
def test_time_may_be_seven_days_behind_and_five_minutes_ahead(t_s, good):
    intake = Intake()
    if good:
        assert isinstance(intake.accept(frame(0, t_s=t_s), NOW_S), Taken)
        return
    with pytest.raises(BadMessage, match="time"):
        intake.accept(frame(0, t_s=t_s), NOW_S)
    assert isinstance(intake.accept(frame(0, t_s=t_s, boot=2), None), Taken)


def test_a_refused_time_does_not_hold_up_the_frames_after_it():
    intake = Intake()
    with pytest.raises(BadMessage, match="time"):
        intake.accept(frame(0, t_s=NOW_S + 1e6), NOW_S)
    (after,) = run(intake, [frame(1)])
    assert after.chunk.t_s == NOW_S + 1


@pytest.mark.parametrize("drift_s", [-TOLERANCE_S, 0.7, TOLERANCE_S])
def test_a_clock_that_agrees_to_within_the_tolerance_changes_nothing(drift_s):
    _, after = run(Intake(), [frame(0), frame(1, t_s=NOW_S + 1 + drift_s)])
    assert (after.gap, after.chunk.start, after.chunk.epoch_s) == (None, 250, NOW_S)


def test_a_clock_that_jumps_ahead_is_a_gap_and_a_new_anchor():
    intake = Intake()
    _, after, then = run(intake, [frame(0), frame(1, t_s=NOW_S + 11), frame(2, t_s=NOW_S + 12)])
    assert after.gap == Gap("chest/ecg", NOW_S + 1, NOW_S + 11, 2500)
    assert after.chunk.start > 250
    assert then.gap is None
    assert then.chunk.start == after.chunk.start + 250
    assert then.chunk.t_s == pytest.approx(NOW_S + 12, abs=1e-6)


def test_a_clock_that_goes_back_is_stored_and_analysed_again_when_time_has_caught_up():
    intake = Intake()
    run(intake, [frame(0)])
    results = run(intake, [frame(i, t_s=NOW_S + i - 10) for i in range(1, 14)])
    assert all(isinstance(r, Taken) for r in results)
    analysed = [r.chunk for r in results if r.chunk is not None]
    assert analysed[0].t_s >= NOW_S + 1
    assert len(results) - len(analysed) == intake.counts["overlap"] == 8


def test_another_rate_is_a_new_line():
    _, after = run(Intake(), [frame(0), frame(1, fs=125.0, t_s=NOW_S + 1, start=125)])
    assert after.chunk.start > 250
    assert after.chunk.t_s == pytest.approx(NOW_S + 1)


def test_more_streams_than_a_person_wears_are_refused_and_the_others_go_on():
    intake = Intake()
    run(intake, [frame(0, stream=f"ecg-{i}") for i in range(MAX_LANES)])
    with pytest.raises(BadMessage, match="lanes"):
        intake.accept(frame(0, stream="ecg-more"), NOW_S)
    assert isinstance(intake.accept(frame(1, stream="ecg-0"), NOW_S), Taken)


def test_the_state_stays_small():
    intake = Intake()
    for i in range(MAX_LANES):
        run(intake, [frame(n, stream=f"ecg-{i}") for n in range(3)])
    assert len(intake.snapshot()) < 64 * MAX_LANES


def test_a_restart_keeps_the_counts():
    one, two = Intake(), Intake()
    run(one, [frame(0), frame(0)])
    two.restore(one.snapshot())
    assert two.counts == one.counts == {"taken": 1, "repeat": 1}


arrivals = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.integers(1, 2),
        st.none() | st.integers(0, 3),
        st.floats(-20, 20),
        st.sampled_from(["ecg", "ecg-b"]),
    ),
    max_size=25,
)


def told(intake, arrival):
    seq, boot, kept, off_s, stream = arrival
    kept = None if kept is None else min(kept, seq)
    try:
        result = intake.accept(
            frame(seq, boot=boot, kept=kept, stream=stream, t_s=NOW_S + seq + off_s), NOW_S
        )
    except BadMessage as exc:
        return exc.reason
    if isinstance(result, Taken) and result.chunk is not None:
        c = result.chunk
        return (c.stream, c.start, c.epoch_s, c.t_s, c.end_s, result.gap)
    return result


@given(arrivals=arrivals, at=st.integers(0, 25))
def test_a_restart_at_any_moment_changes_nothing(arrivals, at):
    one, two = Intake(), Intake()
    for n, arrival in enumerate(arrivals):
        if n == at:
            two, old = Intake(), two
            two.restore(old.snapshot())
        assert told(one, arrival) == told(two, arrival)
        assert one.snapshot() == two.snapshot()


@given(arrivals=arrivals)
def test_whatever_comes_samples_go_forward_and_none_is_taken_twice(arrivals):
    intake = Intake()
    newest, seen = {}, set()
    for arrival in arrivals:
        before = intake.counts.get("taken", 0)
        out = told(intake, arrival)
        if intake.counts.get("taken", 0) > before:
            key = (arrival[4], arrival[1], arrival[0])
            assert key not in seen
            seen.add(key)
        if isinstance(out, tuple):
            stream, start, _, t_s, end_s, gap = out
            index, at_s = newest.get(stream, (0, 0.0))
            assert start >= index
            assert t_s >= at_s - 1e-6
            assert (gap is None) or gap.missing >= 1
            newest[stream] = (start + N, end_s)
