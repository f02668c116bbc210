"""English as the second judge knows it: how values are written, and words said verbatim.

Typed from `docs/wording.md` by hand, so that a word changed by mistake is found.
"""

UNITS = {
    "bpm": r"(?:1 beat|(?!1 )\d+ beats) a minute",
    "breaths": r"(?:1 breath|(?!1 )\d+ breaths) a minute",
    "percent": r"\d+ percent",
    "celsius": r"\d+\.\d °C",
    "seconds": r"\d+\.\d seconds",
    "duration": (
        r"(?:at least )?"
        r"(?:1 (?:second|minute)|(?!1 )\d+ (?:seconds|minutes)|(?!1 )\d+(?: and a half)? hours)"
    ),
    "clock": r"(?:1[0-2]|[1-9]):[0-5]\d [ap]m(?: on [A-Z]\w+day, [A-Z]\w+ \d+)?",
    "times": r"(?!1 )\d+ times",
    "range": r"\d+ to \d+|about \d+",
    "range_celsius": r"\d+\.\d to \d+\.\d|about \d+\.\d",
    "in_hundred": r"(?:fewer than 1|\d+) in 100",
    "per_hour": r"(?:1 time|(?!1 )\d+ times) an hour",
    "of_hour": r"(?:1 minute|(?!1 )\d+ minutes) of each hour",
    "pressure": r"\d+ over \d+",
    "mmhg": r"\d+",
    "glucose": r"\d+ mg/dL",
    "nights": r"(?!1 )\d+ nights",
    "days": r"(?!1 )\d+ days",
    "weekday": r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day",
    "notes": r"(?:1 more note|(?!1 )\d+ more notes)",
    "period": r"on [A-Z]\w+, [A-Z]\w+ \d+|from [A-Z]\w+ \d+ to [A-Z]\w+ \d+",
}
OPEN = "at least"
HALF = "and a half"
FEW = "fewer"
SPANS = {"second": "s", "minute": "min", "hour": "h"}
NAMES = {
    "pulse": "pulse",
    "heart rhythm": "rhythm",
    "oxygen": "oxygen",
    "temperature": "temperature",
    "breathing": "breathing",
}
SIGNALS = {
    "heart": "heart",
    "pulse": "pulse",
    "oxygen": "oxygen",
    "temperature": "temperature",
    "breathing": "breathing",
    "movement": "movement",
    "blood pressure": "pressure",
    "sugar": "sugar",
    "other": "other",
    "sensor": "several",
}
FINDINGS = {  # kinds of finding by name
    "extra heartbeats": "ventricular_ectopy",
    "a run of fast extra heartbeats": "ventricular_run",
    "heartbeats that came early": "supraventricular_ectopy",
    "an extra heartbeat after each usual one": "bigeminy",
    "short dips in oxygen": "oxygen_dips",
    "fast breathing": "tachypnoea",
    "slow breathing": "bradypnoea",
    "a night in which the pulse went in waves": "apnoea_night",
    "a low body temperature": "hypothermia",
    "high blood pressure readings": "hypertension",
    "low blood pressure readings": "hypotension",
    "low sugar readings": "glucose_low",
    "high sugar readings": "glucose_high",
    "a possible fall": "fall",
    "a long time without movement": "inactivity",
    "a change in the values of the night": "baseline_shift",
    "a note on one value or more": "news2",
    "a heart signal with no clear beats": "swinging_signal",
    "something out of the ordinary": "other",
}
MORE = "more besides"
AND = "and"
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

ACTIONS = {  # level: which: its words
    "person": {
        "red": (
            "Call {emergency} now if you have chest pain, trouble breathing, new confusion,"
            " or if you faint. If not, rest, and call your care team today, even if you "
            "feel well."
        ),
        "amber": (
            "Call {emergency} now if you have chest pain, trouble breathing, or if you "
            "faint. If not, please call your care team this week and show them this."
        ),
        "technical": (
            "Are you all right? If you feel ill, call your care team; if not, check that "
            "your sensors are charged and sit well."
        ),
        "info": (
            "Please show this to your care team at your next visit. If you feel unwell, "
            "call them now."
        ),
        "unknown": (
            "Please check that your sensors are charged and sit well. If you feel unwell, "
            "call your care team, whatever the sensors say."
        ),
        "none": ("If you feel unwell, call your care team, whatever the sensors say."),
    },
    "carer": {
        "red": (
            "Call {emergency} now if they have chest pain, trouble breathing, new "
            "confusion, or if they faint. If not, let them rest, and call their care team "
            "today, even if they feel well."
        ),
        "amber": (
            "Call {emergency} now if they have chest pain, trouble breathing, or if they "
            "faint. If not, please call their care team this week and show them this."
        ),
        "technical": (
            "Are they all right? If they feel ill, call their care team; if not, check that"
            " the sensors are charged and sit well."
        ),
        "info": (
            "Please show this to their care team at the next visit. If they feel unwell, "
            "call the care team now."
        ),
        "unknown": (
            "Please check that the sensors are charged and sit well. If they feel unwell, "
            "call their care team, whatever the sensors say."
        ),
        "none": ("If they feel unwell, call their care team, whatever the sensors say."),
    },
    "clinician": {
        "red": (
            "The person was told to call emergency services now if symptomatic, otherwise "
            "the care team today. Automatic reading, unconfirmed."
        ),
        "amber": (
            "The person was told to call emergency services now if symptomatic, otherwise "
            "the care team this week. Automatic reading, unconfirmed."
        ),
        "technical": (
            "The person was asked whether they are all right and told to check the sensors."
            " Automatic reading, unconfirmed."
        ),
        "info": (
            "The person was told to show this at the next visit. Automatic reading, unconfirmed."
        ),
        "unknown": (
            "The person was told to check the sensors, and to call the care team if unwell."
            " Automatic reading, unconfirmed."
        ),
        "none": (
            "The person was told to call the care team if unwell. Automatic reading, unconfirmed."
        ),
    },
}
NEVER = (  # to nobody
    r"\bdiagnos",
    r"\byou (have|suffer from|got) (a|an)\b",
    r"heart attack",
    r"fibrillation",
    r"arrhythmi",
    r"\bstroke\b",
    r"heart failure",
    r"\bapn(o)?ea",
    r"infection",
    r"\bcovid",
    r"pneumonia",
    r"\bdisease",
    r"\bdisorder",
    r"\bsyndrome",
    r"\bmedicines?\b",
    r"\bmedications?\b",
    r"\bdrugs?\b",
    r"\bdos(e|es|age)\b",
    r"\bpills?\b",
    r"\btablets?\b",
    r"aspirin",
    r"paracetamol",
    r"ibuprofen",
    r"blocker",
    r"thinner",
    r"inhaler",
    r"insulin",
    r"\byou are (fine|healthy|ok|okay|well|safe)\b",
    r"\b(all|everything) (is|was|looks) (fine|good|well|ok|okay|normal)",
    r"nothing (is |was )?wrong",
    r"\bsafe(ly)?\b",
    r"\bdefinitely\b",
    r"\bno need to\b",
    r"do not worry",
    r"don't worry",
    r"\bharmless\b",
    r"\bno problem",
    r"\bperfect",
    r"\bhealthy\b",
    r"\byour fault\b",
    r"\byou (should|must) have\b",
    r"\byou failed\b",
    r"\byou forgot\b",
)
ONLY_TO_CLINICIANS = (
    r"\bECGs?\b",
    r"\bHRV\b",
    r"\bSpO2?\b",
    r"\bPPG\b",
    r"\bRMSSD\b",
    r"\bSDNN\b",
    r"\bbpm\b",
    r"\btachycardia",
    r"\bbradycardia",
    r"\bdesaturation",
    r"\bhypox",
)
EMERGENCY = "the emergency number"
