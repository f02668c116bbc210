"""Spanish as the second judge knows it; see `oracle_en.py`."""

UNITS = {
    "bpm": r"(?:1 latido|(?!1 )\d+ latidos) por minuto",
    "breaths": r"(?:1 vez|(?!1 )\d+ veces) por minuto",
    "percent": r"\d+ por ciento",
    "celsius": r"\d+,\d °C",
    "seconds": r"\d+,\d segundos",
    "duration": (
        r"(?:al menos )?"
        r"(?:1 (?:segundo|minuto)|(?!1 )\d+ (?:segundos|minutos|horas(?: y media)?))"
    ),
    "clock": r"(?:la 1|las (?:[02-9]|1\d|2[0-3])):[0-5]\d(?: el [a-zéá]+ \d+ de [a-z]+)?",
    "times": r"(?!1 )\d+ veces",
    "range": r"de \d+ a \d+|cerca de \d+",
    "range_celsius": r"de \d+,\d a \d+,\d|cerca de \d+,\d",
    "in_hundred": r"(?:menos de 1|\d+) de cada 100",
    "per_hour": r"(?:1 vez|(?!1 )\d+ veces) por hora",
    "of_hour": r"(?:1 minuto|(?!1 )\d+ minutos) de cada hora",
    "pressure": r"\d+ sobre \d+",
    "mmhg": r"\d+",
    "glucose": r"\d+ mg/dL",
    "nights": r"(?!1 )\d+ noches",
    "days": r"(?!1 )\d+ días",
    "weekday": r"el (?:lunes|martes|miércoles|jueves|viernes|sábado|domingo)",
    "notes": r"(?:1 aviso|(?!1 )\d+ avisos) más",
    "period": r"el [^\W\d]+ \d+ de [^\W\d]+|del \d+ de [^\W\d]+ al \d+ de [^\W\d]+",
}
OPEN = "al menos"
HALF = "y media"
FEW = "menos"
SPANS = {"segundo": "s", "minuto": "min", "hora": "h"}
NAMES = {
    "el pulso": "pulse",
    "el ritmo del corazón": "rhythm",
    "el oxígeno": "oxygen",
    "la temperatura": "temperature",
    "la respiración": "breathing",
}
SIGNALS = {
    "corazón": "heart",
    "pulso": "pulse",
    "oxígeno": "oxygen",
    "temperatura": "temperature",
    "respiración": "breathing",
    "movimiento": "movement",
    "presión": "pressure",
    "azúcar": "sugar",
    "otro sensor": "other",
    "varios sensores": "several",
}
FINDINGS = {  # kinds of finding by name
    "un ritmo con latidos de más": "ventricular_ectopy",
    "una racha rápida de latidos de más": "ventricular_run",
    "un ritmo con latidos adelantados": "supraventricular_ectopy",
    "un latido de más tras cada latido": "bigeminy",
    "una serie de bajadas cortas de oxígeno": "oxygen_dips",
    "una respiración rápida": "tachypnoea",
    "una respiración lenta": "bradypnoea",
    "una noche con el pulso en ciclos": "apnoea_night",
    "una temperatura baja": "hypothermia",
    "una tensión alta": "hypertension",
    "una tensión baja": "hypotension",
    "una bajada de azúcar": "glucose_low",
    "una subida de azúcar": "glucose_high",
    "una posible caída": "fall",
    "un rato largo sin movimiento": "inactivity",
    "un cambio en los valores de la noche": "baseline_shift",
    "un aviso por uno o más valores": "news2",
    "una señal del corazón sin latidos claros": "swinging_signal",
    "algo fuera de lo común": "other",
}
MORE = "más cosas"
AND = "y"
DAYS = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"]
MONTHS = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
]

ACTIONS = {  # level: which: its words
    "person": {
        "red": (
            "Llame al {emergency} ya si le duele el pecho, le falta el aire, está confuso o"
            " se desmaya. Si no, descanse y llame hoy a su centro de salud, aunque se "
            "sienta bien."
        ),
        "amber": (
            "Llame al {emergency} ya si le duele el pecho, le falta el aire o se desmaya. "
            "Si no, llame esta semana a su centro de salud y enseñe este aviso."
        ),
        "technical": (
            "¿Se encuentra bien? Si se siente mal, llame a su centro de salud; si no, "
            "revise los sensores y su carga."
        ),
        "info": (
            "Enseñe esto en su centro de salud en la próxima visita. Si se siente mal, "
            "llame allí ya."
        ),
        "unknown": (
            "Mire si los sensores tienen carga y están bien puestos. Si se siente mal, "
            "llame a su centro de salud, digan lo que digan los sensores."
        ),
        "none": ("Si se siente mal, llame a su centro de salud, digan lo que digan los sensores."),
    },
    "carer": {
        "red": (
            "Llame al {emergency} ya si nota dolor de pecho, falta de aire, confusión o "
            "desmayo en esa persona. Si no, que descanse, y llame hoy a su centro de salud,"
            " aunque se sienta bien."
        ),
        "amber": (
            "Llame al {emergency} ya si nota dolor de pecho, falta de aire o desmayo en esa"
            " persona. Si no, llame esta semana a su centro de salud y enseñe este aviso."
        ),
        "technical": (
            "¿Se encuentra bien la persona a la que cuida? Si se siente mal, llame a su "
            "centro de salud; si no, revise los sensores y su carga."
        ),
        "info": (
            "Enseñe esto en su centro de salud en la próxima visita. Si la persona a la que"
            " cuida se siente mal, llame allí ya."
        ),
        "unknown": (
            "Mire si los sensores tienen carga y están bien puestos. Si la persona se "
            "siente mal, llame a su centro de salud, digan lo que digan los sensores."
        ),
        "none": (
            "Si la persona se siente mal, llame a su centro de salud, digan lo que digan "
            "los sensores."
        ),
    },
    "clinician": {
        "red": (
            "Se indicó llamar ya a emergencias si hay síntomas y, si no, hoy al centro de "
            "salud. Lectura automática, sin confirmar."
        ),
        "amber": (
            "Se indicó llamar ya a emergencias si hay síntomas y, si no, esta semana al "
            "centro de salud. Lectura automática, sin confirmar."
        ),
        "technical": (
            "Se preguntó a la persona si se encuentra bien y se le indicó revisar los "
            "sensores. Lectura automática, sin confirmar."
        ),
        "info": (
            "Se indicó a la persona enseñar esto en la próxima visita. Lectura automática, "
            "sin confirmar."
        ),
        "unknown": (
            "Se indicó a la persona revisar los sensores y llamar a su centro de salud si "
            "se siente mal. Lectura automática, sin confirmar."
        ),
        "none": (
            "Se indicó a la persona llamar a su centro de salud si se siente mal. Lectura "
            "automática, sin confirmar."
        ),
    },
}
NEVER = (  # to nobody
    r"\bdiagn[oó]stic",
    r"\busted (tiene|presenta|padece|sufre)\b",
    r"infarto",
    r"fibrilaci",
    r"arritmi",
    r"\bictus\b",
    r"derrame",
    r"insuficiencia",
    r"\bapnea",
    r"infecci",
    r"\bcovid",
    r"neumon",
    r"\benfermedad",
    r"\benferm[oa]\b",
    r"s[ií]ndrome",
    r"trastorno",
    r"\bmedicinas?\b",
    r"\bmedicamento",
    r"\bmedicaci",
    r"\bf[aá]rmaco",
    r"\bdosis\b",
    r"\bpastilla",
    r"\bp[ií]ldora",
    r"\bcomprimido",
    r"aspirina",
    r"paracetamol",
    r"ibuprofeno",
    r"anticoagul",
    r"bloqueante",
    r"inhalador",
    r"insulina",
    r"\b(usted )?est[aá] (sano|sana|perfecto|a salvo|estable)\b",
    r"\btodo (est[aá]|va|fue|estuvo|ha ido) (muy )?(bien|normal|perfecto|en orden)",
    r"\bnada malo\b",
    r"no (hay|pasa) nada",
    r"\bsegur[oa]s?\b",
    r"\bsin duda\b",
    r"no se preocupe",
    r"\bsin problema",
    r"ning[uú]n problema",
    r"perfect",
    r"\bno (tiene|hace falta) que\b",
    r"\binofensiv",
    r"\bculpa\b",
    r"\busted deb(ió|ería) haber\b",
    r"\bse le olvid",
    r"\bno supo\b",
)
ONLY_TO_CLINICIANS = (
    r"\bECG\b",
    r"\bHRV\b",
    r"\bVFC\b",
    r"\bSpO2?\b",
    r"\bPPG\b",
    r"\bRMSSD\b",
    r"\bSDNN\b",
    r"\bbpm\b",
    r"\blpm\b",
    r"taquicardia",
    r"bradicardia",
    r"desaturaci",
    r"hipox",
)
EMERGENCY = "número de emergencias"
