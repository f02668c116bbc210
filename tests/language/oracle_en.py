"""What an English summary may be made of, phrase by phrase, and what each phrase means.

A sentence is read when phrases cover every word of it. A phrase is a regular expression
over the sentence in small letters without commas, with values as `{role}`; beside it
stand the meanings that it adds.
"""

UNITS = (
    ("bpm", r"(?:1 beat|(?!1 )\d+ beats) a minute"),
    ("br", r"(?:1 breath|(?!1 )\d+ breaths) a minute"),
    ("pct", r"\d+ percent"),
    ("deg", r"\d+\.\d °C"),
    ("sec", r"\d+\.\d seconds"),
    (
        "dur",
        r"(?:at least )?"
        r"(?:1 (?:second|minute)|(?!1 )\d+(?: and a half)? (?:seconds|minutes|hours))",
    ),
    ("clock", r"(?:1[0-2]|[1-9]):[0-5]\d [ap]m"),
    ("times", r"\d+ times"),
    ("notes", r"(?:1 more note|(?!1 )\d+ more notes)"),
    ("range", r"\d+ to \d+|\d+\.\d to \d+\.\d|about \d+(?:\.\d)?"),
)
DECIMAL = "."
OPEN = "at least"
HALF = "and a half"
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
    "other": "other",
    "sensor": "several",
}
FINDINGS = {  # kinds of finding without clauses of their own
    "extra heartbeats": "ventricular_ectopy",
    "a short run of fast extra heartbeats": "ventricular_run",
    "heartbeats that came early": "supraventricular_ectopy",
    "an extra heartbeat after each usual one": "bigeminy",
    "short dips in your oxygen": "oxygen_dips",
    "fast breathing": "tachypnoea",
    "slow breathing": "bradypnoea",
    "a night with uneven breathing": "apnoea_night",
    "a low body temperature": "hypothermia",
    "high blood pressure readings": "hypertension",
    "low blood pressure readings": "hypotension",
    "low sugar readings": "glucose_low",
    "high sugar readings": "glucose_high",
    "a possible fall": "fall",
    "a long time without movement": "inactivity",
    "a change from what is usual for you": "baseline_shift",
    "several values off at the same time": "news2",
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

ACTIONS = {
    "red": (
        "Call {emergency} now if you have chest pain, trouble breathing, new confusion, or if you "
        "faint. If not, rest, and call your care team today, even if you feel well."
    ),
    "amber": (
        "Call {emergency} now if you have chest pain, trouble breathing, or if you faint. If not, "
        "please call your care team this week and show them this."
    ),
    "technical": (
        "Are you all right? If you feel ill, call your care team; if not, check that your sensors "
        "are charged and sit well."
    ),
    "info": (
        "Please show this to your care team at your next visit. If you feel unwell, call them now."
    ),
    "unknown": (
        "Please check that your sensors are charged and sit well. If you feel unwell, call your "
        "care team, whatever the sensors say."
    ),
    "none": "If you feel unwell, call your care team, whatever the sensors say.",
}
EMERGENCY = "the emergency number"

OPENINGS = (  # the words, and whether only a finding may follow
    (r"{day},", False),
    (r"here is what we saw {day}:", False),
    (r"your summary {day}:", False),
    (r"your data {day}:", False),
    (r"to sum up,", False),
    (r"in short,", False),
    (r"what stands out {day}:", True),
    (r"the main thing {day}:", True),
    (r"one thing to know {day}:", True),
    (r"please note,", True),
)
LINKS = (  # the words, and the groups that may follow each other with it
    (r"also,", "finding measure"),
    (r"besides that,", "finding measure"),
    (r"on top of that,", "finding"),
    (r"we also saw this:", "finding"),
    (r"another thing we saw:", "finding"),
    (r"apart from that,", "finding"),
    (r"over the same time,", "measure"),
)

_REST = (
    "your resting pulse|your resting heart rate|your pulse at rest|at rest your pulse"
    "|while you rested your pulse"
)
_LEVEL = {
    "heart rest": _REST,
    "oxygen": "your oxygen|your oxygen level|your blood oxygen|the oxygen in your blood",
    "temp": "your temperature",
    "breath": "your breathing|your breathing rate",
}
_MIDDLE = {
    "heart rest": "your resting pulse",
    "oxygen": "your oxygen",
    "temp": "your temperature",
    "breath": "your breathing rate",
}
_A = {
    "heart rest": "a (?:typical )?resting pulse",
    "oxygen": "an oxygen level|a typical oxygen value",
    "temp": "a (?:typical )?temperature",
    "breath": "a (?:typical )?breathing rate",
}


def _measures() -> list[tuple[str, str]]:
    out = []
    for tag, level in _LEVEL.items():
        out += [
            (
                rf"(?:{level}) (?:was|was at|stood at|came to|was about|stood at about) {{value}}",
                tag,
            ),
            (rf"(?:{level}) was (?:near|around) {{value}}", tag),
            (rf"(?:{level}) was only {{value}}", f"{tag} is_below"),
            (rf"(?:{level}) of {{value}} is", tag),
            (rf"(?:{level}) {{value}}(?: was)?", tag),
            (rf"(?:{level}) was up {{value}} where {{usual}} is usual for you", f"{tag} is_above"),
            (
                rf"(?:{level}) was down {{value}} where {{usual}} is usual for you",
                f"{tag} is_below",
            ),
            (rf"(?:{level}) was like on other days at {{value}}", f"{tag} is_usual"),
            (
                rf"(?:{level}) was (?:higher|faster) than on other days at {{value}}",
                f"{tag} is_above",
            ),
            (
                rf"(?:{level}) was (?:lower|slower) than on other days at {{value}}",
                f"{tag} is_below",
            ),
            (rf"with {{value}} (?:{level}) was", tag),
            (rf"the middle value of {_MIDDLE[tag]} was {{value}}", tag),
            (
                rf"(?:we measured|your sensors show) (?:{_A[tag]}) of {{value}}"
                + ("(?! but)" if tag == "oxygen" else ""),  # "but" there is said of low values
                tag,
            ),
            (rf"we measured (?:{_A[tag]}) of only {{value}}", f"{tag} is_below"),
            (rf"(?:{_A[tag]}) was {{value}}", tag),
            (rf"for (?:{level}) we measured {{value}}", tag),
        ]
    return out


_FINDINGS = [
    # how often, when, how long
    (r"once", "once"),
    (r"more than once", "several"),
    (r"(?:and )?{times}", ""),
    (r"(?:from|starting at|that began at) {from}(?: on)?", ""),
    (r"first at {from}", "first"),
    (r"at {at}", ""),
    (r"(?:and )?for {for}", ""),
    (r"lasting {for}", ""),
    (r"that lasted {for}", ""),
    (r"the longest(?: time)? for {for}", ""),
    (r"(?:and )?the longest(?: spell)? took {for}", ""),
    (r"the longest of {for}", ""),
    # how high, how low
    (r"your (?:pulse|heart)", "heart"),
    (r"your oxygen(?: level)?|the oxygen in your blood", "oxygen"),
    (r"your(?: body)? temperature", "temp"),
    (r"(?:and |that )?(?:reached|rose to|went up to|got up to|climbed to) {up}", ""),
    (r"(?:that |and )?(?:went|climbed) as high as {up}", ""),
    (r"(?:of )?up to {up}", ""),
    (r"(?:and )?(?:the highest value was|at the most it was) {top}", ""),
    (r"with a top value of {top}", ""),
    (r"with {top} at the most", ""),
    (r"(?:and |that )?(?:went down to|fell to|sank to|got down to|dipped to) {down}", ""),
    (r"(?:that )?(?:fell as low as|dropped as far as) {down}", ""),
    (r"down to {down}", ""),
    (r"(?:and )?(?:the lowest value was|at the least it was) {bottom}", ""),
    (r"with a lowest value of {bottom}", ""),
    (r"with {bottom} at the least", ""),
    # beside the usual
    (r"at rest {usual} is usual(?: for you)?", "beside_rest"),
    (r"while your usual resting pulse is {usual}", "beside_rest"),
    (r"your usual at rest is {usual}", "beside_rest"),
    (r"{usual} is usual for you", "beside"),
    (r"while your usual range is {usual}", "beside"),
    (r"you are usually at {usual}", "beside"),
    (r"usual for you is {usual}", "beside"),
    # fast
    (r"your heart (?:beat|was) fast", "heart fast"),
    (r"your pulse (?:ran|was) fast", "heart fast"),
    (r"(?:we saw|your sensor picked up) a fast pulse", "heart fast"),
    (r"your heart was beating faster than your limit of {limit}", "heart fast"),
    (r"your pulse stayed above {limit} for a while", "heart fast"),
    (r"the fastest pulse we saw was {top}", "heart fast"),
    (r"and (?:stayed|was) fast", "fast"),
    (r"there was one spell of fast heartbeat", "heart fast once"),
    (r"that reached {up}", ""),
    (r"(?:at {from} )?your heart began to beat fast and it got to {up}", "heart fast began"),
    (r"in a fast spell of {for}", "fast once"),
    (r"and at its fastest it beat at {top}", "fast"),
    (r"there were several fast spells and the fastest", "heart fast several"),
    (r"fast heartbeats came {times}", "heart fast"),
    # slow
    (r"your heart beat slowly", "heart slow"),
    (r"your (?:heart|pulse) was slow", "heart slow"),
    (r"(?:we saw|your sensor picked up) a slow pulse", "heart slow"),
    (r"your heart was beating slower than your limit of {limit}", "heart slow"),
    (r"your pulse stayed below {limit} for a while and got", "heart slow"),
    (r"the slowest pulse we saw was {bottom}", "heart slow"),
    (r"and (?:stayed|was) slow", "slow"),
    (r"there was one spell of slow heartbeat", "heart slow once"),
    (r"(?:at {from} )?your heart began to beat slowly and it got", "heart slow began"),
    (r"in a slow spell of {for}", "slow once"),
    (r"and at its slowest it beat at {bottom}", "slow"),
    (r"there were several slow spells and the slowest", "heart slow several"),
    (r"slow heartbeats came {times}", "heart slow"),
    # a pause
    (r"we saw a break of {for} between two heartbeats", "pause"),
    (r"your heart seemed to pause for {for} before the next beat came", "pause"),
    (r"the longest break between two heartbeats was {for}", "pause"),
    (r"{for} went by between one heartbeat and the next", "pause"),
    (r"between two beats of your heart there was a gap of {for}", "pause"),
    (r"your heart took {for} from one beat to the next", "pause"),
    (r"your heart paused", "pause"),
    (r"there was one pause of {for} between heartbeats", "pause once"),
    (r"one heartbeat came late it took {for}", "pause once"),
    (r"your heart waited {for} before it beat again", "pause"),
    (r"we saw one long break between heartbeats of {for}", "pause once"),
    (r"the next heartbeat took {for} to come", "pause"),
    (r"a single pause between your heartbeats at {at} lasted {for}", "pause once"),
    (r"your sensor saw one pause of {for} in your heartbeat", "pause once"),
    (r"and the longest pause was {for}", "pause"),
    (r"there were pauses between heartbeats", "pause"),
    (r"we saw long breaks between heartbeats", "pause"),
    (r"a heartbeat came late at the most after {for}", "pause"),
    (r"for up to {for}", ""),
    (r"your sensor saw a pause in your heartbeat", "pause"),
    (r"of up to {for}", ""),
    (r"several heartbeats came late the longest wait at {at} was {for}", "pause several"),
    (r"the pauses between your heartbeats went up to {for} and came", "pause"),
    # uneven
    (r"we saw an uneven heartbeat(?: pattern)?", "uneven"),
    (r"your heart beat unevenly", "uneven"),
    (r"the time between your heartbeats kept changing", "uneven"),
    (r"your heartbeat lost its even pattern", "uneven"),
    (r"your heartbeats did not come evenly", "uneven"),
    (r"at about {mean}", ""),
    (r"an uneven heartbeat showed up", "uneven"),
    (r"with a mean pulse of {mean}", ""),
    (r"your (?:heartbeat|pulse) was uneven", "uneven"),
    (r"we saw one spell of uneven heartbeat", "uneven once"),
    (r"your heartbeat became uneven and it stayed so", "uneven began"),
    (r"there was an uneven pattern in your heartbeat", "uneven"),
    (r"your heartbeats came at uneven times", "uneven"),
    (r"your sensor picked up an uneven heartbeat", "uneven"),
    (r"and once for {for}", ""),
    (r"there were several spells of uneven heartbeat", "uneven several"),
    (r"and one time it took {for}", ""),
    (r"with {for} as the longest time", ""),
    (r"an uneven pattern in your heartbeat came", "uneven"),
    # low oxygen
    (r"your oxygen was low", "oxygen low"),
    (r"(?:we saw|your sensor picked up) low oxygen", "oxygen low"),
    (r"your oxygen was at or under your limit of {limit}", "oxygen low"),
    (r"the lowest oxygen we saw was {bottom}", "oxygen low lowest_seen"),
    (r"and (?:stayed|was) low", "low"),
    (r"your oxygen began to drop and it got", "oxygen low began"),
    (r"there was one spell of low oxygen", "oxygen low once"),
    (r"we saw your oxygen drop to {down}", "oxygen low"),
    (r"in a low spell of {for}", "low once"),
    (r"your oxygen dropped", "oxygen low"),
    (
        r"there were several drops in your oxygen and the deepest at {at} was {bottom}",
        "oxygen low several",
    ),
    (r"low oxygen came", "oxygen low"),
    # high temperature
    (r"your temperature was high", "temp hot"),
    (r"(?:you had|we saw|your sensor picked up) a high temperature", "temp hot"),
    (r"your temperature was at or over your limit of {limit}", "temp hot"),
    (r"the highest temperature we saw was {top}", "temp hot"),
    (r"and (?:stayed|was) high", "hot"),
    (r"your temperature became high and it got to {up}", "temp hot began"),
    (r"there was one spell of high temperature", "temp hot once"),
    (r"we saw your temperature rise to {up}", "temp hot"),
    (r"in a hot spell of {for}", "hot once"),
    (r"your temperature rose", "temp hot"),
    (
        r"your temperature was high in several spells and the hottest at {at} was {top}",
        "temp hot several",
    ),
    (r"a high temperature came", "temp hot"),
    # kinds without clauses of their own
    (r"we noticed {found}", "noticed"),
    (r"your data showed {found}", "noticed"),
    (r"something came up that you should know {found}", "noticed"),
    (r"the sensors picked up {found}", "noticed"),
    (r"what we saw(?: from {from} on)? looked like {found}", "noticed"),
    (r"your sensors told us of {found}", "noticed"),
    (r"in your data there was a sign of {found}", "noticed"),
    (r"we want you to know about {found}", "noticed"),
    (r"part of what your sensors measured looked like {found}", "noticed"),
    (r"beginning at {from}", ""),
    (r"the first sign of {found} came at {from}", "noticed"),
    # signals that could not be read
    (r"we could not read your {what} signal", "poor"),
    (r"the sensor could not read your {what} signal well", "poor"),
    (r"your {what} signal could not be read", "poor"),
    (r"so that time is not known", "gone"),
    (r"your {what} signal (?:came in|was) too noisy to read", "poor"),
    (r"we lost a clear view of your {what} signal", "poor"),
    (r"the sensor was there but it could not read your {what} signal", "poor"),
    (r"there was one stretch of {for} in which we could not read your {what} signal", "poor once"),
    (r"this lasted {for}", ""),
    (r"your {what} signal was not clear(?: enough to read)?", "poor"),
    (r"your {what} signal was unclear", "poor"),
    (r"your {what} signal gave no clear reading", "poor"),
    (r"and for {for}(?: in all)? we know nothing", "gone"),
    (r"and we know nothing for {for}", "gone"),
    (r"for {for} in all", "gone"),
    (r"which adds up to {for}", "gone"),
    (
        r"there were several stretches {for} in all in which we could not read your {what} signal",
        "poor several",
    ),
    # signals that did not come
    (r"we got no data(?: at all)? from your {what} signal", "silent"),
    (r"nothing came in from your {what} signal", "silent"),
    (r"we have no data from your {what} signal", "silent"),
    (r"and we do not know why", "gone"),
    (r"your {what} signal (?:went|fell) silent", "silent"),
    (r"the sensor for your {what} signal sent us nothing", "silent"),
    (r"your {what} signal (?:did not reach us|sent nothing|stopped coming in)", "silent"),
    (r"there was one stretch of {for} without data from your {what} signal", "silent once"),
    (r"we got nothing from your {what} signal", "silent"),
    (r"nothing reached us from your {what} signal", "silent"),
    (r"your sensors gave us no {what} signal", "silent"),
    (
        r"there were several stretches {for} in all without data from your {what} signal",
        "silent several",
    ),
]
_MEASURED = [
    (
        r"we measured an oxygen level of {value} but {usual} is usual for you",
        "oxygen is_below",
    ),
    (r"at rest your heart beat at(?: about)? {value}", "heart rest"),
    (r"at rest your heart beat at only {value}", "heart rest is_below"),
    (r"while you rested your heart beat at {value}", "heart rest"),
    (r"your heart beat at {value} (?:at rest|when you were at rest)", "heart rest"),
    (r"your heart beat faster at rest than it usually does at {value}", "heart rest is_above"),
    (r"your heart beat slower at rest than it usually does at {value}", "heart rest is_below"),
    (r"as a rule|by and large|on the whole", "loosely"),
    (r"you took(?: about)? {value}", "breath"),
    (r"you took only {value}", "breath is_below"),
    (r"we measured {value} for your breathing", "breath"),
    (r"we measured only {value} for your breathing", "breath is_below"),
    (r"you breathed at a rate of {value}", "breath"),
    (r"you breathed faster than you usually do at {value}", "breath is_above"),
    (r"you breathed slower than you usually do at {value}", "breath is_below"),
    (r"you were warmer than usual at about {value}", "temp is_above"),
    (r"you were cooler than usual at about {value}", "temp is_below"),
    # beside the usual
    (
        r"which is usual for you|as (?:it|you) usually (?:does|is|do)|about what it usually is",
        "is_usual",
    ),
    (r"(?:is )?within your (?:usual|own) range of {usual}", "is_usual"),
    (r"the same range as on other days|in your usual range", "is_usual"),
    (r"fits your usual range of {usual}", "is_usual"),
    (r"your usual range is {usual}|on other days it was {usual}", "beside not_below"),
    (r"and {usual} is usual for you", "is_usual"),
    (r"but {usual} is usual for you", "not_only"),
    (r"(?:higher|more) than is usual for you|higher than it usually is", "is_above"),
    (r"(?:more|faster) than it usually is|faster than on other days", "is_above"),
    (
        r"(?:above|over) your usual range(?: of {usual})?|above your own range of {usual}",
        "is_above",
    ),
    (r"which is (?:high|fast) for you", "is_above"),
    (r"(?:lower|fewer) than is usual for you|lower than it usually is", "is_below"),
    (r"(?:less|slower) than it usually is|slower than on other days", "is_below"),
    (
        r"(?:below|under) your usual range(?: of {usual})?|below your own range of {usual}",
        "is_below",
    ),
    (r"which is (?:low|slow) for you", "is_below"),
    # the range of the pulse
    (r"your pulse (?:went|was|ranged) from {low} to {high}", "span"),
    (r"(?:in all|in the minutes we measured)", "in_all"),
    (r"the lowest pulse we saw was {low} and the highest was {high}", "span"),
    (r"your heart beat at {low} at the slowest and {high} at the fastest", "span"),
    (r"over the whole time|from minute to minute", "in_all"),
    (r"your pulse (?:was|moved) between {low} and {high}", "span"),
    (r"at its lowest your pulse was {low} at its highest {high}", "span"),
    (r"the slowest minute was {low} and the fastest was {high}", "span"),
    (r"we saw pulse values from {low} up to {high}", "span"),
    (r"your heart rate was {low} at the least and {high} at the most", "span"),
    # the lowest oxygen
    (r"your oxygen was at its lowest(?: at {bottom})?", "oxygen lowest"),
    (r"at its lowest your oxygen was {bottom}", "oxygen lowest"),
    (r"your oxygen was lowest at {at} with {bottom}", "oxygen lowest"),
    (r"the lowest minute of oxygen at {at} was {bottom}", "oxygen lowest"),
    (r"(?:your lowest oxygen value|the lowest value of your oxygen) was {bottom}", "oxygen lowest"),
    (r"its lowest point|the lowest value|and that was the lowest", "lowest"),
    (r"at the least your oxygen was {bottom}", "oxygen lowest"),
    (r"your oxygen touched {down}", "oxygen"),
    (r"we saw your oxygen dip to {down}", "oxygen"),
    (r"with {bottom}", ""),
]
_WATCHED = [
    (r"we could watch {watched}(?: of this time)?", "cov"),
    (r"your sensors gave us {watched} of data", "cov"),
    (r"we have {watched} of data to go by", "cov"),
    (r"in all {watched} could be watched", "cov"),
    (r"of the other {unwatched} we know nothing", ""),
    (r"we have data for {watched} and none for {unwatched}", "cov"),
    (r"for {unwatched} we have no data so we only know about {watched}", "cov"),
    (r"what we say rests on {watched} of data {unwatched} is missing", "cov"),
    (r"your sensors were read for {watched} and not for {unwatched}", "cov"),
    (r"we know about {watched} but not about the other {unwatched}", "cov"),
    (r"the sensors told us about {watched} and nothing about {unwatched}", "cov"),
    (r"there is no data for {unwatched} we could watch {watched}", "cov"),
    (r"we could only watch {watched} so {unwatched} is not known", "cov"),
    (r"we saw {watched} of this time and missed {unwatched}", "cov"),
    (r"we watched for {watched} and no alert came up", "quiet"),
    (r"no alert came up in {watched} of data", "quiet"),
    (r"but {unwatched} could not be watched", ""),
    (r"in {watched} of data our checks raised no alert", "quiet"),
    (r"our checks had nothing to report in {watched} of data", "quiet"),
    (r"we looked at {watched} of data and none of our checks raised an alert", "quiet"),
    (r"there was no alert in the {watched} that we could watch", "quiet"),
    (r"none of our checks raised an alert in {watched}(?: of data)?", "quiet"),
    (r"during {watched} of watching we had nothing to flag", "quiet"),
    (r"we checked {watched} of data and raised no alert", "quiet"),
    (r"our checks ran over {watched} of data and flagged nothing", "quiet"),
    (r"over {watched} of data we saw nothing that our checks would flag", "quiet"),
    (r"no check raised an alert in the {watched} that we watched", "quiet"),
    (r"we watched for {watched} and raised no alert", "quiet"),
    (r"and {unwatched} is missing", ""),
    (r"in the {watched} we could watch no alert came up {unwatched} is not known", "quiet"),
    (r"there was no alert in {watched} of data", "quiet"),
    (r"but we have none for {unwatched}", ""),
    (r"we could check {watched} and raised no alert {unwatched} stays unknown", "quiet"),
    (r"but we missed {unwatched}", ""),
    (r"no check raised an alert in {watched}", "quiet"),
    (r"for {unwatched} there is no data", ""),
    (r"we had nothing to flag in {watched} of data", "quiet"),
    (r"and no data for {unwatched}", ""),
    (r"our checks flagged nothing in {watched}", "quiet"),
    (r"about {unwatched} we cannot say anything", ""),
    (r"only {watched} could be checked without an alert {unwatched} could not", "quiet"),
    (r"we have no data for {unwatched} and no alert in the {watched} that we have", "quiet"),
]
_MISSING = [
    (r"we do not know your {names} for lack of data", "missing"),
    (r"we have too few readings of your {names}", "missing"),
    (r"there are too few values for your {names} so we cannot speak of that", "missing"),
    (r"not measured enough and so not known your {names}", "missing"),
    (r"we could not measure your {names} well enough this time", "missing"),
    (
        r"about your {names} we cannot say anything since too little was measured",
        "missing",
    ),
    (r"your sensors gave too few values for your {names}", "missing"),
    (r"we cannot tell you about your {names} there was too little data", "missing"),
    (r"too little data came in about your {names} so that stays unknown", "missing"),
    (r"what we do not know this time your {names}", "missing"),
    (r"missing from this summary for lack of data your {names}", "missing"),
    (r"we would need more data to speak about your {names}", "missing"),
]
_MORE = [
    (r"(?:there is more please|that is not all) see the list for {count}", "more"),
    (r"(?:your list holds|the list has) {count}(?: for you)?", "more"),
    (r"you will find {count} in the list", "more"),
    (r"there is more to read {count} in the list", "more"),
    (r"please look at the list where you will find {count}", "more"),
    (r"we left out {count} which you can see in the list", "more"),
    (r"for the rest {count} please see the list", "more"),
    (r"to keep this short we put {count} in the list", "more"),
    (r"please also read the list it has {count}", "more"),
    (r"more was seen and the list has it {count}", "more"),
]
_WHOLE = {  # sentences without a value: nothing but themselves
    "all_missing": """
        too little was measured so we do not know how you were
        we have too few readings of this time to tell you anything
        too little data came in so there is nothing we can tell you
        your sensors did not measure enough for us to use
        we could not measure your heart oxygen temperature or breathing well enough
        there are too few values for this time for your heart and for the rest
        we do not know how this time was because too little was measured
        we could not watch you well enough in this time
        with so little data we do not know how you were
        this summary is empty because too few values came in
        no sensor gave us enough values to go by
        we have too little data about you for this time""",
    "learning": """
        we need a few more days to learn what is usual for you
        what is usual for you we do not know yet
        we are still learning your usual values
        it is too early to say what is usual for you
        we have too few days so far to know your usual range
        your own usual range will come after a few more days
        after more days we can tell you what is usual for you
        we cannot yet compare this with your usual days
        so far we have too few days to compare with
        give us a few more days and we will know your usual range
        we do not have enough days yet to know what is usual for you
        whether this is usual for you we cannot say yet""",
    "doubt": """
        this can have many causes and sometimes a sensor is wrong
        many things can cause this and the sensor can be wrong too
        a reading like this has many possible causes and we cannot tell which one
        sensors make mistakes and we cannot say what the cause was
        we can see that it happened but not why
        the numbers do not tell us the reason and a sensor can be wrong
        only your care team can say what this means
        this is what the sensors show and they can be wrong
        a loose or moving sensor can also give such values
        it can have more than one cause and a doctor can look into it
        we do not know why this happened and sensors are not always right
        what lies behind it only your care team can judge""",
    "caution": """
        what we could not read we do not know
        a missing value is not a good value we just do not know
        no reading does not mean a good reading
        where there is no data we cannot say how you were
        please do not take silence as good news we simply do not know
        we do not guess what was not measured stays unknown
        an empty spot in the data tells us nothing good or bad
        without a reading we cannot tell you more
        not measured means not known
        we only know what the sensors could read
        for the time without data we have no answer
        we cannot tell how you were while there was no data""",
}

PHRASES = [
    *_FINDINGS,
    *_measures(),
    *_MEASURED,
    *_WATCHED,
    *_MISSING,
    *_MORE,
    *((line.strip(), tag) for tag, lines in _WHOLE.items() for line in lines.strip().splitlines()),
]
NEVER = (
    r"diagnos|you (?:have|suffer from|got) an? |attack|fibrillat|arrhythm|\bstroke|failure|apno?ea",
    r"infect|covid|pneumon|disease|disorder|syndrome|cancer|tachycard|bradycard|desatur|hypox",
    r"medic(?:in|at)|\bdrugs?\b|\bdos(?:e|es|age)\b|\bpills?\b|tablet|aspirin|paracetamol",
    r"ibuprofen|blocker|thinner|inhaler|insulin|prescri|treatment",
    r"\bfine\b|\bhealthy\b|\bok(?:ay)?\b|\bsafe|perfect|harmless|worry|no problem|no need",
    r"nothing wrong|everything|\ball (?:is|was|looks)|definitely|certainly|for sure|\bno danger",
    r"in order|\bstable\b|your fault|you (?:should|must) have|you (?:failed|forgot)",
    r"\b(?:ecgs?|hrv|spo2?|ppg|rmssd|sdnn|bpm)\b",
)
