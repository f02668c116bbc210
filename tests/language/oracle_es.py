"""What a Spanish summary may be made of, phrase by phrase, and what each phrase means.

Read as `oracle_en.py` says.
"""

UNITS = (
    ("bpm", r"(?:1 latido|(?!1 )\d+ latidos) por minuto"),
    ("br", r"(?:1 vez|(?!1 )\d+ veces) por minuto"),
    ("pct", r"\d+ por ciento"),
    ("deg", r"\d+,\d °C"),
    ("sec", r"\d+,\d segundos"),
    (
        "dur",
        r"(?:al menos )?(?:1 (?:segundo|minuto)|(?!1 )\d+ (?:segundos|minutos|horas(?: y media)?))",
    ),
    ("clock", r"(?:la 1|las (?:[02-9]|1\d|2[0-3])):[0-5]\d"),
    ("times", r"\d+ veces"),
    ("notes", r"(?:1 aviso|(?!1 )\d+ avisos) más"),
    ("range", r"de \d+ a \d+|de \d+,\d a \d+,\d|cerca de \d+(?:,\d)?"),
)
DECIMAL = ","
OPEN = "al menos"
HALF = "y media"
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
    "otro sensor": "other",
    "varios sensores": "several",
}
FINDINGS = {  # kinds of finding without clauses of their own
    "un ritmo con latidos de más": "ventricular_ectopy",
    "una racha corta y rápida de latidos de más": "ventricular_run",
    "un ritmo con latidos adelantados": "supraventricular_ectopy",
    "un latido de más tras cada latido": "bigeminy",
    "una serie de bajadas cortas de oxígeno": "oxygen_dips",
    "una respiración rápida": "tachypnoea",
    "una respiración lenta": "bradypnoea",
    "una noche con la respiración irregular": "apnoea_night",
    "una temperatura baja": "hypothermia",
    "una tensión alta": "hypertension",
    "una tensión baja": "hypotension",
    "una bajada de azúcar": "glucose_low",
    "una subida de azúcar": "glucose_high",
    "una posible caída": "fall",
    "un rato largo sin movimiento": "inactivity",
    "un cambio en lo que es normal para usted": "baseline_shift",
    "un grupo de valores fuera de lo usual a la vez": "news2",
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

ACTIONS = {
    "red": (
        "Llame al {emergency} ya si le duele el pecho, le falta el aire, está confuso o se "
        "desmaya. Si no, descanse y llame hoy a su centro de salud, aunque se sienta bien."
    ),
    "amber": (
        "Llame al {emergency} ya si le duele el pecho, le falta el aire o se desmaya. Si no, llame "
        "esta semana a su centro de salud y enseñe este aviso."
    ),
    "technical": (
        "¿Se encuentra bien? Si se siente mal, llame a su centro de salud; si no, revise los "
        "sensores y su carga."
    ),
    "info": (
        "Enseñe esto en su centro de salud en la próxima visita. Si se siente mal, llame allí ya."
    ),
    "unknown": (
        "Mire si los sensores tienen carga y están bien puestos. Si se siente mal, llame a su "
        "centro de salud, digan lo que digan los sensores."
    ),
    "none": "Si se siente mal, llame a su centro de salud, digan lo que digan los sensores.",
}
EMERGENCY = "número de emergencias"

OPENINGS = (
    (r"{day},", False),
    (r"esto es lo que vimos {day}:", False),
    (r"este es su resumen, {day}:", False),
    (r"sus datos, {day}:", False),
    (r"en resumen,", False),
    (r"en pocas palabras,", False),
    (r"lo más importante, {day}:", True),
    (r"hay algo que debe saber, {day}:", True),
    (r"lo primero que vimos {day}:", True),
    (r"le avisamos de esto, {day}:", True),
)
LINKS = (
    (r"también,", "finding"),
    (r"además,", "finding measure"),
    (r"aparte de eso,", "finding measure"),
    (r"también vimos esto:", "finding"),
    (r"otra cosa que vimos:", "finding"),
    (r"junto a eso,", "finding"),
    (r"en el mismo tiempo,", "measure"),
)

_LEVEL = {  # tag: (the measure, "a measure", "higher/lower/fast/slow" as it bends)
    "heart rest": (
        "su pulso en reposo|su pulso de descanso|en reposo su pulso|mientras descansaba su pulso",
        "en reposo un pulso",
        "o",
    ),
    "oxygen": (
        "su oxígeno|el oxígeno de la sangre|el oxígeno de su sangre",
        "un(?: nivel de)? oxígeno",
        "o",
    ),
    "temp": ("su temperatura", "una temperatura", "a"),
    "breath": ("su respiración", "una respiración", "a"),
}


def _measures() -> list[tuple[str, str]]:
    out = []
    of = "(?:de |del |un |de un |)"
    for tag, (level, a, o) in _LEVEL.items():
        out += [
            (rf"(?:{level}) (?:fue|estuvo) {of}{{value}}", tag),
            (rf"(?:{level}) (?:rondó (?:los|el|las)|estuvo en torno (?:a|al)) {{value}}", tag),
            (rf"(?:{level}) fue de solo (?:un )?{{value}}", f"{tag} is_below"),
            (rf"(?:{level}) {of}{{value}}", tag),
            (rf"(?:{level}) subió (?:a|al) {{rise}}", f"{tag} measured"),
            (rf"(?:{level}) bajó (?:a|al) {{sink}}", f"{tag} measured"),
            (rf"(?:{level}) fue como otros días {of}{{value}}", f"{tag} is_usual"),
            (
                rf"(?:{level}) fue más (?:alt{o}|rápid{o}) que otros días {of}{{value}}",
                f"{tag} is_above",
            ),
            (
                rf"(?:{level}) fue más (?:baj{o}|lent{o}) que otros días {of}{{value}}",
                f"{tag} is_below",
            ),
            (rf"con {of}{{value}} (?:{level}) está en lo normal para usted", f"{tag} is_usual"),
            (
                rf"con {of}{{value}} (?:{level}) está por encima de lo normal para usted",
                f"{tag} is_above",
            ),
            (
                rf"con {of}{{value}} (?:{level}) está por debajo de lo normal para usted",
                f"{tag} is_below",
            ),
            (rf"lo típico de (?:{level}) fue {of}{{value}}", tag),
            (rf"el valor medio de (?:{level}) fue {of}{{value}}", tag),
            (rf"para (?:{level}) medimos {of}{{value}}", tag),
            (rf"(?:tuvo|medimos|sus sensores dan) (?:{a}) {of}{{value}}", tag),
            (rf"medimos (?:{a}) de solo (?:un )?{{value}}", f"{tag} is_below"),
        ]
    return out


_FINDINGS = [
    (r"una vez", "once"),
    (r"más de una vez", "several"),
    (r"{times}", ""),
    (r"(?:y )?durante {for}", ""),
    (r"desde {from}", ""),
    (r"la primera a {from}", "first"),
    (r"(?:a|hacia) {at}", ""),
    (r"que empezó a {from}", "began"),
    (r"que duró {for}", ""),
    (r"y duró {for}", ""),
    (r"(?:y )?la (?:vez )?más larga duró {for}", ""),
    (r"la más larga (?:durante|de) {for}", ""),
    # how high, how low
    (r"su (?:corazón|pulso)|el pulso", "heart"),
    (r"el oxígeno de la sangre|el nivel de oxígeno|(?:el|su) oxígeno", "oxygen"),
    (r"la temperatura del cuerpo|(?:la|su) temperatura", "temp"),
    (r"(?:y |que )?(?:llegó|subió) (?:a|hasta) {up}", ""),
    (r"le subió (?:a|hasta) {up}", ""),
    (r"y alcanzó {up}", ""),
    (r"(?:de )?hasta {up}", ""),
    (r"hasta (?:un )?{down}", ""),
    (r"con un (?:máximo|pico) de {top}", ""),
    (r"(?:lo más alto|el máximo) fue {top}", ""),
    (r"(?:y |que )?bajó (?:a|hasta)(?: un)? {down}", ""),
    (r"(?:y )?(?:le bajó|llegó|cayó|le cayó) (?:a|hasta) un {down}", ""),
    (r"le bajó (?:a|hasta)(?: un)? {down}", ""),
    (r"con un mínimo (?:de|del) {bottom}", ""),
    (r"(?:lo más bajo|el mínimo) fue(?: un| del)? {bottom}", ""),
    (r"lo menos fue un {bottom}", ""),
    # beside the usual
    (r"en reposo lo normal para usted es {usual}", "beside_rest"),
    (r"y su pulso normal en reposo es {usual}", "beside_rest"),
    (r"en reposo suele ser {usual}", "beside_rest"),
    (r"(?:y )?lo normal para usted es {usual}", "beside"),
    (r"suele ser {usual}", "beside"),
    # fast
    (r"su corazón latió deprisa", "heart fast"),
    (r"(?:vimos|el sensor notó) un pulso rápido", "heart fast"),
    (r"tuvo el pulso rápido", "heart fast"),
    (r"su corazón iba más rápido que su límite de {limit}", "heart fast"),
    (r"el pulso más rápido que vimos fue de {top}", "heart fast"),
    (r"su pulso estuvo un rato por encima de {limit}", "heart fast"),
    (r"su pulso se puso rápido", "heart fast began"),
    (r"y siguió rápido", "fast"),
    (r"hubo un rato de pulso rápido", "heart fast once"),
    (r"su corazón empezó a ir deprisa", "heart fast began"),
    (r"su corazón fue deprisa", "heart fast"),
    (r"en lo más alto dio {top}", ""),
    (r"(?:notamos que )?su corazón se aceleró", "heart fast"),
    (r"hubo varios ratos de pulso rápido", "heart fast several"),
    (r"en el mayor", ""),
    (r"le subió {times}", "heart_up"),
    (r"y eso duró {for}", ""),
    # slow
    (r"su corazón latió despacio(?: hasta {down})?", "heart slow"),
    (r"(?:vimos|el sensor notó) un pulso lento", "heart slow"),
    (r"tuvo el pulso lento", "heart slow"),
    (r"su corazón iba más lento que su límite de {limit}", "heart slow"),
    (r"el pulso más lento que vimos fue de {bottom}", "heart slow"),
    (r"su pulso estuvo un rato por debajo de {limit}", "heart slow"),
    (r"su pulso se puso lento", "heart slow began"),
    (r"y siguió lento", "slow"),
    (r"hubo un rato de pulso lento", "heart slow once"),
    (r"su corazón empezó a ir despacio", "heart slow began"),
    (r"su corazón fue (?:despacio|lento)", "heart slow"),
    (r"en lo más bajo dio {bottom}", ""),
    (r"notamos que su corazón iba lento", "heart slow"),
    (r"hubo varios ratos de pulso lento", "heart slow several"),
    (r"le bajó {times}", "went_down"),
    (r"hasta {down}", ""),
    # a pause
    (r"vimos un hueco de {for} entre dos latidos", "pause"),
    (r"su corazón tardó {for} en dar el latido siguiente", "pause"),
    (r"el hueco más largo entre dos latidos fue de {for}", "pause"),
    (r"pasaron {for} entre un latido y el siguiente", "pause"),
    (r"entre dos latidos de su corazón pasaron {for}", "pause"),
    (r"su corazón tardó {for} de un latido al otro", "pause"),
    (r"su corazón hizo una pausa de {for}", "pause"),
    (r"hubo una pausa de {for} entre latidos", "pause once"),
    (r"un latido llegó tarde tardó {for}", "pause once"),
    (r"su corazón esperó {for} antes de volver a latir", "pause"),
    (r"vimos una sola pausa larga entre latidos de {for}", "pause once"),
    (r"el latido siguiente tardó {for} en llegar", "pause"),
    (r"una única pausa entre sus latidos a {at} duró {for}", "pause once"),
    (r"el sensor vio una pausa de {for} entre sus latidos", "pause once"),
    (r"su corazón hizo pausas", "pause several"),
    (r"la más larga fue de {for}", ""),
    (r"hubo pausas entre latidos", "pause several"),
    (r"la mayor de {for}", ""),
    (r"vimos huecos largos entre latidos", "pause several"),
    (r"el mayor duró {for}", ""),
    (r"un latido llegó tarde como mucho tras {for}", "pause"),
    (r"de hasta {for}", ""),
    (r"el sensor vio una pausa entre latidos", "pause"),
    (r"varios latidos llegaron tarde la espera mayor a {at} fue de {for}", "pause several"),
    (r"las pausas entre sus latidos llegaron a {for} y pasó", "pause several"),
    # uneven
    (r"(?:vimos|hubo) un pulso irregular", "uneven"),
    (r"su corazón latió de forma irregular", "uneven"),
    (r"el tiempo entre sus latidos cambió sin parar", "uneven"),
    (r"sus latidos perdieron el compás", "uneven"),
    (r"sus latidos no fueron parejos", "uneven"),
    (r"a unos {mean}", ""),
    (r"hubo latidos irregulares", "uneven"),
    (r"con un pulso medio de {mean}", ""),
    (r"su pulso fue irregular", "uneven"),
    (r"vimos un rato de pulso irregular", "uneven once"),
    (r"su pulso se puso irregular y siguió así", "uneven began"),
    (r"sus latidos llegaron sin compás", "uneven"),
    (r"el sensor notó(?: a {from})? un pulso irregular", "uneven"),
    (r"y el rato más largo fue de {for}", ""),
    (r"y una vez (?:durante|duró) {for}", ""),
    (r"hubo varios ratos de pulso irregular el más largo duró {for}", "uneven several"),
    # low oxygen
    (r"su oxígeno estuvo bajo", "oxygen low"),
    (r"(?:vimos|tuvo|el sensor notó) el oxígeno bajo", "oxygen low"),
    (r"su oxígeno no pasó de su límite del {limit}", "oxygen low"),
    (r"el oxígeno más bajo que vimos fue del {bottom}", "oxygen low lowest_seen"),
    (r"y siguió bajo", "low"),
    (r"su oxígeno empezó a bajar", "oxygen low began"),
    (r"hubo un rato de oxígeno bajo", "oxygen low once"),
    (r"vimos que el oxígeno", "oxygen"),
    (r"hubo varias bajadas de oxígeno la mayor", "oxygen low several"),
    # high temperature
    (r"(?:su temperatura fue|tuvo la temperatura|su temperatura estuvo) alta", "temp hot"),
    (r"(?:vimos una|vimos la|el sensor notó la) temperatura alta", "temp hot"),
    (r"su temperatura llegó a su límite de {limit}", "temp hot"),
    (r"la temperatura más alta que vimos fue de {top}", "temp hot"),
    (r"y (?:siguió|estuvo) alta", "hot"),
    (r"su temperatura empezó a estar alta", "temp hot began"),
    (r"hubo un rato de temperatura alta", "temp hot once"),
    (r"vimos que la temperatura", "temp"),
    (r"hubo varios ratos de temperatura alta", "temp hot several"),
    # kinds without clauses of their own
    (r"hemos visto {found}", "noticed"),
    (r"en sus datos se ve {found}", "noticed"),
    (r"los sensores notaron {found}", "noticed"),
    (r"queremos avisarle de esto {found}", "noticed"),
    (r"en lo que midieron los sensores se ve {found}", "noticed"),
    (r"sus datos mostraron {found}", "noticed"),
    (r"hubo señales de {found}", "noticed"),
    (r"lo que vimos parece {found}", "noticed"),
    (r"la primera señal de {found} fue a {from}", "noticed"),
    (r"a {from} empezamos a ver {found}", "noticed"),
    # signals that could not be read
    (r"no pudimos leer la señal de {what}", "poor"),
    (r"el sensor no pudo leer bien la señal de {what}", "poor"),
    (r"no se pudo leer la señal de {what}", "poor"),
    (r"y no sabemos por qué", "gone"),
    (r"el ruido no dejó leer la señal de {what}", "poor"),
    (r"no vimos con claridad la señal de {what}", "poor"),
    (r"el sensor estaba pero no pudo leer la señal de {what}", "poor"),
    (r"el ruido empezó a tapar la señal de {what}", "poor began"),
    (r"dejamos de ver con claridad la señal de {what}", "poor began"),
    (r"hubo un rato de {for} en que no pudimos leer la señal de {what}", "poor once"),
    (r"esto duró {for}", ""),
    (r"no se (?:leía|veía) (?:con claridad|bien) la señal de {what}", "poor"),
    (r"no se vio bien la señal de {what}", "poor"),
    (r"el sensor no leyó bien la señal de {what}", "poor"),
    (r"(?:durante {for} en total|en total durante {for}|en total {for})", "gone"),
    (r"hubo varios ratos {for} en total en que no pudimos leer la señal de {what}", "poor several"),
    (r"la señal de {what} no se vio bien", "poor"),
    (r"lo que suma {for}", "gone"),
    (r"de {for} no sabemos nada", "gone"),
    # signals that did not come
    (r"no tuvimos la señal de {what}", "silent"),
    (r"no nos llegó la señal de {what}", "silent"),
    (r"no recibimos la señal de {what}", "silent"),
    (r"así que no sabemos qué pasó entonces", "gone"),
    (r"dejó de llegar la señal de {what}", "silent"),
    (r"el sensor no nos (?:envió|dio) la señal de {what}", "silent"),
    (r"estuvimos {for} sin recibir la señal de {what}", "silent"),
    (r"dejamos de recibir la señal de {what}", "silent"),
    (r"hubo un rato de {for} en que no recibimos la señal de {what}", "silent once"),
    (r"perdimos la señal de {what}", "silent"),
    (r"y durante {for} no sabemos nada", "gone"),
    (r"hay un hueco de {for} desde {from} no llegó la señal de {what}", "silent once"),
    (r"hubo varios ratos {for} en total en que no recibimos la señal de {what}", "silent several"),
    (r"en total durante {for} no sabemos nada", "gone"),
]
_MEASURED = [
    (r"en reposo su corazón dio(?: unos)? {value}", "heart rest"),
    (r"en reposo su corazón dio solo {value}", "heart rest is_below"),
    (r"mientras descansaba su corazón dio {value}", "heart rest"),
    (r"en reposo tuvo un pulso de {value}", "heart rest"),
    (r"sus sensores dan un pulso en reposo de {value}", "heart rest"),
    (r"por lo general|en general|de ordinario|según el sensor", "loosely"),
    (r"(?:usted )?respiró(?: unas)? {value}", "breath"),
    (r"respiró por lo general {value}", "breath"),
    (r"respiró solo {value}", "breath is_below"),
    (r"(?:medimos que respiraba|sus sensores dicen que respiró) {value}", "breath"),
    (r"medimos que respiraba solo {value}", "breath is_below"),
    (r"la temperatura que medimos fue de {value}", "temp"),
    # beside the usual
    (r"lo normal para usted", "is_usual"),
    (r"(?:entra en|cuadra con) lo normal para usted {usual}", "is_usual"),
    (r"como suele hacer|como otros días|parecid[oa] (?:al|a la) de otros días", "is_usual"),
    (r"dentro de lo suyo {usual}", "is_usual"),
    (r"más o menos como siempre", "is_usual"),
    (r"y lo suyo es {usual}", "is_usual"),
    (r"pero lo suyo es {usual}", "not_only"),
    (r"otros días fue {usual}", "beside"),
    (r"y otros días fue {usual}", "not_only"),
    (r"más (?:alt[oa] )?de lo normal para usted", "is_above"),
    (r"pasa de lo normal para usted {usual}", "is_above"),
    (r"más(?: deprisa)? de lo que suele|más (?:rápido|deprisa) que otros días", "is_above"),
    (r"por encima de lo suyo {usual}", "is_above"),
    (r"y lo suyo es más bajo {usual}", "is_above"),
    (r"(?:alt[oa]|rápida) para usted|más que otros días", "is_above"),
    (r"está por encima de lo normal para usted {usual}", "is_above"),
    (r"(?:más baj[oa]|menos) de lo normal para usted", "is_below"),
    (r"no llega a lo normal para usted {usual}", "is_below"),
    (r"(?:más despacio|menos) de lo que suele|más (?:lento|despacio) que otros días", "is_below"),
    (r"por debajo de lo suyo {usual}", "is_below"),
    (r"(?:baj[oa]|lenta) para usted|menos que otros días", "is_below"),
    (r"está por debajo de lo normal para usted {usual}", "is_below"),
    # the range of the pulse
    (r"en los minutos que medimos", "in_all"),
    (r"su pulso fue (?:de {low} a {high}|desde {low} hasta {high})", "span"),
    (r"en total", "in_all"),
    (r"el pulso más bajo que vimos fue {low} y el más alto {high}", "span"),
    (r"su corazón dio {low} en lo más lento y {high} en lo más rápido", "span"),
    (r"en todo este tiempo|de un minuto a otro", "in_all"),
    (r"su pulso (?:estuvo|se movió) entre {low} y {high}", "span"),
    (r"en lo más bajo su pulso fue {low} en lo más alto {high}", "span"),
    (r"el minuto más lento fue de {low} y el más rápido de {high}", "span"),
    (r"vimos valores de pulso desde {low} hasta {high}", "span"),
    (r"su pulso fue de {low} como poco y de {high} como mucho", "span"),
    # the lowest oxygen
    (r"su oxígeno estuvo en su punto más bajo un {bottom}", "oxygen lowest"),
    (r"(?:en lo más bajo|como poco) su oxígeno fue del {bottom}", "oxygen lowest"),
    (r"su oxígeno fue más bajo a {at} con un {bottom}", "oxygen lowest"),
    (r"el minuto de oxígeno más bajo a {at} fue del {bottom}", "oxygen lowest"),
    (r"(?:su valor de oxígeno más bajo|el mínimo de su oxígeno) fue un {bottom}", "oxygen lowest"),
    (r"vimos que su oxígeno", "oxygen"),
    (r"su oxígeno bajó a un {down}", "oxygen"),
    (r"(?:su punto|el valor) más bajo|lo más bajo", "lowest"),
    (r"su oxígeno tocó el {down}", "oxygen"),
    (r"con un {bottom} su oxígeno tuvo su mínimo", "oxygen lowest"),
]
_WATCHED = [
    (r"pudimos seguirle(?: durante)? {watched}", "cov"),
    (r"los sensores nos dieron {watched} de datos", "cov"),
    (r"contamos con {watched} de datos", "cov"),
    (r"en total pudimos mirar {watched}", "cov"),
    (r"del resto {unwatched} no sabemos nada", ""),
    (r"hay datos de {watched} y faltan los de {unwatched}", "cov"),
    (r"de {unwatched} no hay datos así que solo sabemos de {watched}", "cov"),
    (r"lo que decimos sale de {watched} de datos el resto {unwatched} falta", "cov"),
    (r"hubo lectura durante {watched} y no la hubo durante {unwatched}", "cov"),
    (r"sabemos de {watched} pero nada de {unwatched}", "cov"),
    (r"los sensores nos hablaron de {watched} y de {unwatched} no", "cov"),
    (r"no hay datos de {unwatched} pudimos seguirle {watched}", "cov"),
    (r"solo pudimos mirar {watched} y {unwatched} no se conoce", "cov"),
    (r"vimos {watched} de este tiempo y nos perdimos {unwatched}", "cov"),
    (r"miramos {watched} de datos y no saltó ningún aviso", "quiet"),
    (r"no saltó ningún aviso en {watched} de datos", "quiet"),
    (r"en {watched} de datos no hubo ningún aviso", "quiet"),
    (r"no tenemos nada que avisar en {watched} de datos", "quiet"),
    (r"le seguimos durante {watched} y ningún control dio aviso", "quiet"),
    (r"no hubo avisos en el tiempo que pudimos mirar {watched}", "quiet"),
    (r"ningún control (?:dio aviso|avisó) en {watched}(?: de datos| de seguimiento)?", "quiet"),
    (r"durante {watched} no tuvimos nada que avisar", "quiet"),
    (r"revisamos {watched} de datos sin ningún aviso", "quiet"),
    (r"nuestros controles miraron {watched} de datos y no avisaron", "quiet"),
    (r"a lo largo de {watched} de datos no vimos nada que avisar", "quiet"),
    (r"(?:pero|y) faltan {unwatched}", ""),
    (r"le seguimos {watched} sin ningún aviso", "quiet"),
    (r"en lo que pudimos mirar {watched} no hubo avisos", "quiet"),
    (r"de {unwatched} no se sabe", ""),
    (r"no hubo avisos en {watched} de datos", "quiet"),
    (r"pero no hay datos de {unwatched}", ""),
    (r"pudimos revisar {watched} sin avisos {unwatched} quedan sin saber", "quiet"),
    (r"pero nos perdimos {unwatched}", ""),
    (r"de {unwatched} no hay datos", ""),
    (r"no vimos nada que avisar en {watched}", "quiet"),
    (r"y de {unwatched} faltan los datos", ""),
    (r"los controles no avisaron en {watched}", "quiet"),
    (r"de {unwatched} no podemos decir nada", ""),
    (r"solo se pudo revisar {watched} sin avisos {unwatched} no se pudo", "quiet"),
    (r"nos faltan datos de {unwatched} y en lo que hay {watched} no saltó ningún aviso", "quiet"),
]
_MISSING = [
    (r"no pudimos medir bien {names} y por eso no lo sabemos", "missing"),
    (r"esta vez no pudimos medir bien {names}", "missing"),
    (r"hay muy pocos datos sobre {names} así que no podemos decir nada", "missing"),
    (r"falta por saber porque se midió muy poco {names}", "missing"),
    (r"nos falta {names} hubo muy pocas medidas", "missing"),
    (r"sobre {names} no podemos decir nada porque hubo muy pocos datos", "missing"),
    (r"sus sensores no midieron bastante {names}", "missing"),
    (r"tenemos muy pocas medidas sobre {names}", "missing"),
    (r"llegaron muy pocos datos sobre {names} y queda sin saber", "missing"),
    (r"lo que no sabemos esta vez {names}", "missing"),
    (r"en este resumen falta por no tener datos {names}", "missing"),
    (r"para hablarle sobre {names} harían falta más datos", "missing"),
]
_MORE = [
    (r"hay más en la lista verá {count}", "more"),
    (r"en la lista (?:tiene|encontrará) {count}", "more"),
    (r"queda por leer en la lista {count}", "more"),
    (r"mire también la lista que trae {count}", "more"),
    (r"la lista tiene {count} para usted", "more"),
    (r"eso no es todo vea en la lista {count}", "more"),
    (r"hemos dejado en la lista {count}", "more"),
    (r"para lo demás {count} vea la lista", "more"),
    (r"para ser breves dejamos en la lista {count}", "more"),
    (r"lea también la lista hay {count}", "more"),
    (r"vimos más cosas y están en la lista {count}", "more"),
]
_WHOLE = {
    "all_missing": """
        se midió muy poco así que no sabemos cómo estuvo
        tenemos muy pocas medidas de este tiempo para decirle algo
        llegaron muy pocos datos y no podemos contarle nada
        sus sensores no midieron bastante para poder usarlo
        no pudimos medir bien el corazón el oxígeno la temperatura ni la respiración
        hay muy pocos valores de este tiempo del corazón y de lo demás
        no sabemos cómo fue este tiempo porque se midió muy poco
        esta vez no pudimos seguirle bien
        con tan pocos datos no sabemos cómo estuvo
        este resumen está vacío porque llegaron muy pocos valores
        ningún sensor nos dio valores suficientes
        tenemos muy pocos datos suyos de este tiempo""",
    "learning": """
        nos faltan unos días para saber qué es lo normal para usted
        aún no sabemos qué es lo normal para usted
        todavía estamos conociendo sus valores de siempre
        es pronto para decir qué es lo normal para usted
        tenemos pocos días para conocer lo normal para usted
        lo normal para usted se sabrá con unos días más
        con más días podremos decirle qué es lo normal para usted
        aún no podemos comparar esto con sus otros días
        de momento hay pocos días con que comparar
        en unos días más sabremos qué es lo normal para usted
        no hay aún días bastantes para saber qué es lo normal para usted
        si esto es lo normal para usted aún no se puede decir""",
    "doubt": """
        esto puede tener muchas causas y a veces un sensor se equivoca
        muchas cosas pueden causarlo y el sensor también puede fallar
        un valor así tiene muchas causas posibles y no sabemos cuál fue
        los sensores fallan a veces y no podemos decir cuál fue la causa
        vemos que pasó pero no por qué
        los números no dicen el motivo y un sensor puede fallar
        solo en su centro de salud pueden decirle qué significa
        esto es lo que dicen los sensores y pueden equivocarse
        un sensor flojo o que se mueve también puede dar estos valores
        puede tener más de una causa y un médico puede mirarlo
        no sabemos por qué pasó y los sensores no siempre aciertan
        qué hay detrás solo lo puede decir su médico""",
    "caution": """
        lo que no pudimos leer no lo sabemos
        que falte un valor no es buena señal ni mala no lo sabemos
        que no haya medida no significa que sea buena
        donde no hay datos no podemos decir cómo estuvo
        no tome el silencio por buena noticia no lo sabemos
        no adivinamos lo que no se midió queda sin saber
        un hueco en los datos no dice nada ni bueno ni malo
        sin una medida no podemos decirle más
        lo que no se mide no se sabe
        solo sabemos lo que los sensores pudieron leer
        del tiempo sin datos no podemos decir nada
        no podemos saber cómo estuvo mientras no hubo datos""",
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
    r"diagn[oó]stic|usted (?:tiene|presenta|padece|sufre)|infart|fibrilaci|arritmi|\bictus|angina",
    r"derrame|insuficien|apnea|infecci|covid|neumon|enferm[oae]|s[ií]ndrome|trastorno|c[aá]ncer",
    r"taquicard|bradicard|desaturaci|hipox|medicin|medicament|medicaci|f[aá]rmac|\bdosis|pastilla",
    r"p[ií]ldora|comprimid|aspirin|paracetamol|ibuprofen|anticoagul|bloqueante|inhalador|insulin",
    r"recet|tratamiento|\bsan[oa]\b|perfect|a salvo|estable|nada malo|no (?:hay|pasa) nada",
    r"\btodo (?:está|va|fue|estuvo|ha ido|bien|normal)|segur[oa]|sin duda|preocup|inofensiv",
    r"(?:sin|ningún) problema|en orden|hace falta que|culpa|se le olvid|no supo",
    r"\b(?:ecg|hrv|vfc|spo2?|ppg|rmssd|sdnn|bpm|lpm)\b|deb(?:ió|ería) haber",
)
