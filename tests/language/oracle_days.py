"""Records of days of every shape, for whoever judges texts about them."""

from random import Random

from hypothesis import strategies as st

from healthslm.records import Beat, Finding, Vital

DAY = 86400.0
ZONES = ("UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires", "Asia/Kathmandu")
SEVERITIES = ("info", "amber", "red")
EVIDENCE = {  # kind: name of each number, its range
    "tachycardia": {"highest_bpm": (101, 230), "limit_bpm": (100, 130)},
    "bradycardia": {"lowest_bpm": (19, 55), "limit_bpm": (40, 50)},
    "pause": {"rr_s": (2, 15)},
    "irregular_rhythm": {"mean_bpm": (40, 180), "beats": (60, 60)},
    "desaturation": {"lowest_pct": (50, 93), "limit_pct": (90, 94)},
    "fever": {"highest_c": (38, 42), "limit_c": (38, 38.5)},
    "ventricular_run": {"fastest_bpm": (101, 260), "beats": (3, 90)},
    "ventricular_ectopy": {"burden_pct": (0.1, 60)},
    "supraventricular_ectopy": {"burden_pct": (0.1, 3)},
    "bigeminy": {"beats": (20, 900)},
    "swinging_signal": {},
    "oxygen_dips": {"odi3_per_h": (0.2, 60)},
    "tachypnoea": {"highest_per_min": (20, 60), "limit_per_min": (20, 25)},
    "bradypnoea": {"lowest_per_min": (2, 9), "limit_per_min": (8, 9)},
    "apnoea_night": {"pattern_per_h": (0.2, 60)},
    "glucose_low": {"lowest_mgdl": (30, 70), "limit_mgdl": (54, 70)},
    "glucose_high": {"highest_mgdl": (180, 500), "limit_mgdl": (180, 250)},
    "hypothermia": {"lowest_c": (30, 35), "limit_c": (35, 35)},
    "hypertension": {"systolic_mmhg": (135, 230), "diastolic_mmhg": (60, 130)},
    "hypotension": {"lowest_mmhg": (50, 100)},
    "fall": {},
    "inactivity": {},
    "baseline_shift": {"nights": (2, 9)},
    "news2": {"score": (5, 20)},
    "poor_signal": {"quality": (0, 0)},
    "no_data": {"silent_s": (7200, 7200)},
    **{key: {} for key in ("glucose_range", "irregular_burden", "unheard_of", "never_seen")},
}
LANES = {
    "desaturation": ("band/spo2", "finger/spo2"),
    "fever": ("band/temperature",),
    "poor_signal": ("chest/ecg", "chest/ecg-v5", "band/ppg", "skin/glucose"),
    "no_data": ("band/heart_rate", "band/spo2", "band/temperature", "band/activity", "chest/ecg"),
}
LEVELS = {  # kind: (low, high, spread from minute to minute)
    "heart_rate": (35.0, 150.0, 20.0),
    "spo2": (75.0, 100.0, 4.0),
    "temperature": (34.0, 41.0, 0.4),
    "respiratory_rate": (6.0, 40.0, 5.0),
    "activity": (0.0, 0.3, 0.2),
}
LENGTHS = (0.0, 3.5, 45.0, 59.4, 89.9, 600.0, 7170.0, 30000.0)


def evidence(kind, draw):
    """Return what a finding of a kind holds; whole and half numbers, and others."""
    out = {}
    for name, (low, high) in EVIDENCE[kind].items():
        value = low + draw.random() * (high - low)
        out[name] = float(round(value * 2) / 2 if draw.random() < 0.5 else value)
    if "nights" in out:
        out["nights"] = float(int(out["nights"]))
    if kind == "hypertension" and draw.random() < 0.2:
        del out["diastolic_mmhg"]
    return tuple(out.items())


def found(kind, draw, t0_s, span_s):
    """Return the findings of one kind: apart, overlapping, told twice, reaching out."""
    out = []
    for _ in range(draw.choice([1, 1, 2, 5])):
        begin = t0_s + draw.choice([draw.uniform(-9000, span_s), draw.randrange(0, 86400, 600)])
        length = draw.choice([*LENGTHS, draw.uniform(1, 90000)])
        lane = draw.choice(LANES.get(kind, ("band/heart_rate", "chest/ecg")))
        for told in range(draw.choice([1, 1, 2])):  # told again under the same key
            out.append(Finding(
                kind, lane, begin, begin + length * (1 + told), draw.choice(SEVERITIES),
                evidence(kind, draw), draw.random() < 0.15,
            ))  # fmt: skip
    return out


def series(kind, draw, t0_s, span_s, level, n, step):
    """Return readings of one kind, around a level."""
    spread = LEVELS[kind][2] * draw.choice([0.0, 0.1, 1.0])
    first = draw.uniform(0, span_s)
    return [
        Vital(kind, f"band/{kind}", t0_s + (first + step * i) % span_s,
              round(level + draw.uniform(0, spread), 1))
        for i in range(n)
    ]  # fmt: skip


def ways(seed):
    """Return somebody's levels, and how much higher each was a day before."""
    person = Random(seed)
    return {
        kind: (person.uniform(low, high), person.choice([0, 0, 0.1, -0.2]) * spread)
        for kind, (low, high, spread) in LEVELS.items()
    }


def usual_day(seed, n, t0_s):
    """Return the n-th day before, of somebody who is in such a way: seldom with a finding."""
    draw = Random(seed * 1000 + n)
    out = []
    for kind, (level, drift) in ways(seed).items():
        if draw.random() < 0.9:
            low, _, spread = LEVELS[kind]
            level = max(low, level + drift * n) + draw.uniform(-0.1, 0.1) * spread
            out += series(kind, draw, t0_s, DAY, level, draw.choice([3, 40]), 60.0)
    for kind in draw.sample(sorted(EVIDENCE), draw.choice([0, 0, 1, 4])):
        out += found(kind, draw, t0_s, DAY)
    return out


@st.composite
def days(draw):
    """Draw a person and a day: zone, emergency number, period, its records, the days before."""
    seed = draw(st.integers(0, 10**6))
    rest = Random(seed)
    span_s = draw(st.sampled_from([DAY, DAY, DAY, 7200.0, 90000.0, 8 * DAY]))
    t0_s = 1.7e9 + draw(st.integers(0, 400)) * DAY + draw(st.sampled_from([0.0, 0.0, 33.0]))
    before = draw(st.sampled_from([0, 0, 4, 5, 6, 9]))
    records, own = [], ways(seed)
    for kind, (low, high, _) in LEVELS.items():
        if not draw(st.booleans()) and not draw(st.booleans()):
            continue
        as_ever = draw(st.booleans())
        value = own[kind][0] if as_ever else rest.uniform(low, high)
        n = draw(st.sampled_from([1, 2, 3, 4, 29, 30, 31, 300, 1300]))
        step = draw(st.sampled_from([20.0, 60.0, 600.0, 660.0]))
        records += series(kind, rest, t0_s, span_s, value, n, step)
    for _ in range(draw(st.sampled_from([0, 0, 2, 3, 50]))):
        kind, good = rest.choice(["beat", "pulse"]), rest.random() < 0.8
        records.append(Beat(kind, "chest/ecg", t0_s + rest.uniform(0, span_s), 0.8, good))
    kinds = draw(st.lists(st.sampled_from(sorted(EVIDENCE)), max_size=5, unique=True))
    for kind in kinds:
        records += found(kind, rest, t0_s, span_s)
    for n in range(round(span_s / DAY) if span_s >= 2 * DAY else 0):
        records += usual_day(seed, -n, t0_s + n * DAY)
    return SimpleDay(
        draw(st.sampled_from(ZONES)),
        draw(st.sampled_from(["", "112", "+34 112"])),
        t0_s,
        t0_s + span_s,
        records,
        [(spot, usual_day(seed, n, spot))
         for n in range(before, 0, -1) for spot in [t0_s - n * DAY]],
    )  # fmt: skip


class SimpleDay:
    """A person's day, or some days as one period, and the days before it."""

    def __init__(self, zone, emergency, t0_s, t1_s, records, before):
        self.zone, self.emergency = zone, emergency
        self.t0_s, self.t1_s = t0_s, t1_s
        self.records, self.before = records, before

    @property
    def singles(self):
        """Beginnings of the single days of a longer period."""
        n = round((self.t1_s - self.t0_s) / DAY)
        return [self.t0_s + DAY * i for i in range(n)] if n > 1 else []

    def __repr__(self):
        kinds = [(r.kind, r.t0_s - self.t0_s) for r in self.records if isinstance(r, Finding)]
        return f"<{self.zone} {self.t0_s} {self.t1_s - self.t0_s} {kinds} {len(self.before)}>"
