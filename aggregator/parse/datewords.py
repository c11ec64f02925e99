"""The words that dates are written with, in the languages that feeds use.

Rules of this file: data only. Words are stored as `fold` leaves them: lower case, without
accents, without a closing dot.
"""

import unicodedata


def fold(text: str) -> str:
    """The text in lower case, compatibility forms undone, accents removed (Hangul stays whole)."""
    split = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(sign for sign in split if unicodedata.category(sign) != "Mn")
    return unicodedata.normalize("NFC", bare)


# One line a language: twelve months, each with the forms seen in feeds, full name first.
_MONTHS = {
    "en": "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug "
    "september/sep/sept october/oct november/nov december/dec",
    "de": "januar/jänner/jän februar/feber märz/mär/mrz april mai juni juli august september oktober/okt "
    "november dezember/dez",
    "nl": "januari februari/febr maart/mrt april mei juni juli augustus september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "da": "januar februar marts april maj juni juli august september oktober november december/des",
    "fi": "tammikuu/tammikuuta/tammi helmikuu/helmikuuta/helmi maaliskuu/maaliskuuta/maalis "
    "huhtikuu/huhtikuuta/huhti toukokuu/toukokuuta/touko kesäkuu/kesäkuuta/kesä heinäkuu/heinäkuuta/heinä "
    "elokuu/elokuuta/elo syyskuu/syyskuuta/syys lokakuu/lokakuuta/loka marraskuu/marraskuuta/marras "
    "joulukuu/joulukuuta/joulu",
    "fr": "janvier/janv/jan février/févr/fév mars avril/avr mai juin/jui juillet/juil août/aoû "
    "septembre octobre novembre décembre/déc",
    "es": "enero/ene febrero marzo abril/abr mayo junio julio agosto/ago septiembre/setiembre/set octubre "
    "noviembre diciembre/dic",
    "pt": "janeiro fevereiro/fev março abril maio/mai junho julho agosto setembro outubro/out novembro "
    "dezembro/dez",
    "it": "gennaio/gen febbraio marzo aprile maggio/mag giugno/giu luglio/lug agosto settembre ottobre/ott "
    "novembre dicembre",
    "ca": "gener febrer març abril maig juny juliol agost setembre octubre novembre desembre",
    "ro": "ianuarie/ian februarie martie aprilie mai iunie/iun iulie/iul august septembrie octombrie "
    "noiembrie/noi decembrie",
    "pl": "styczeń/stycznia/sty luty/lutego/lut marzec/marca kwiecień/kwietnia/kwi maj/maja "
    "czerwiec/czerwca/cze lipiec/lipca/lip sierpień/sierpnia/sie wrzesień/września/wrz "
    "październik/października/paź listopad/listopada/lis grudzień/grudnia/gru",
    "cs": "leden/ledna/led únor/února/úno březen/března/bře duben/dubna/dub květen/května/kvě "
    "červen/června/čvn červenec/července/čvc srpen/srpna/srp září/zář říjen/října/říj listopad/listopadu "
    "prosinec/prosince/pro",
    "hu": "január február/februári március/márc április/ápr május/máj június/jún július/júl augusztus "
    "szeptember/szept október november december",
    "tr": "ocak/oca şubat/şub mart nisan/nis mayıs haziran/haz temmuz/tem ağustos/ağu eylül/eyl ekim/eki "
    "kasım/kas aralık/ara",
    "id": "januari februari maret april mei juni juli agustus/agt september oktober november desember",
    "ru": "январь/января/янв февраль/февраля/фев/февр март/марта/мар апрель/апреля/апр май/мая "
    "июнь/июня/июн июль/июля/июл август/августа/авг сентябрь/сентября/сен/сент октябрь/октября/окт "
    "ноябрь/ноября/ноя декабрь/декабря/дек",
    "uk": "січень/січня/січ лютий/лютого/лют березень/березня/бер квітень/квітня/квіт травень/травня/трав "
    "червень/червня/черв липень/липня/лип серпень/серпня/серп вересень/вересня/вер жовтень/жовтня/жовт "
    "листопад/листопада/лист грудень/грудня/груд",
    "bg": "януари/яну февруари март април май юни юли август септември/септ октомври ноември/ноем декември",
    "el": "ιανουάριος/ιανουαρίου/ιαν φεβρουάριος/φεβρουαρίου/φεβ μάρτιος/μαρτίου/μάρ/μάώ "
    "απρίλιος/απριλίου/απρ μάιος/μαΐου/μάι ιούνιος/ιουνίου/ιούν/ιον ιούλιος/ιουλίου/ιούλ/ιολ "
    "αύγουστος/αυγούστου/αύγ σεπτέμβριος/σεπτεμβρίου/σεπ οκτώβριος/οκτωβρίου/οκτ νοέμβριος/νοεμβρίου/νοέ "
    "δεκέμβριος/δεκεμβρίου/δεκ",
    "ar": "يناير فبراير مارس أبريل/ابريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "he": "ינואר/בינואר פברואר/בפברואר מרץ/במרץ אפריל/באפריל מאי/במאי יוני/ביוני יולי/ביולי "
    "אוגוסט/באוגוסט ספטמבר/בספטמבר אוקטובר/באוקטובר נובמבר/בנובמבר דצמבר/בדצמבר",
}

# Chinese names of months, as Windows writes them ("30 十月 2026").
CJK_MONTHS = {
    "一月": "jan",
    "二月": "feb",
    "三月": "mar",
    "四月": "apr",
    "五月": "may",
    "六月": "jun",
    "七月": "jul",
    "八月": "aug",
    "九月": "sep",
    "十月": "oct",
    "十一月": "nov",
    "十二月": "dec",
}

# Names of days; they carry no information that is not in the rest of the date.
_WEEKDAYS = (
    "monday mon tuesday tue tues wednesday wed thursday thu thur thurs friday fri saturday sat sunday sun "
    "montag mo dienstag di mittwoch mi donnerstag do freitag fr samstag sonnabend sa sonntag so "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag "
    "måndag mån tisdag tis onsdag ons torsdag tors fredag fre lördag lör söndag sön mandag tirsdag lørdag "
    "lundi lun mardi mercredi mer jeudi jeu vendredi ven samedi sam dimanche dim "
    "lunes martes miércoles mié jueves jue viernes vie sábado sáb domingo dom "
    "segunda terça quarta quinta sexta seg ter qua qui sex feira "
    "lunedì martedì mercoledì giovedì gio venerdì sabato domenica "
    "poniedziałek pon wtorek wto wt środa śro śr czwartek czw piątek pią pt sobota sob niedziela nie "
    "pondělí po úterý út středa st čtvrtek čt pátek pá neděle ne "
    "hétfő kedd szerda csütörtök péntek szombat vasárnap "
    "pazartesi salı çarşamba perşembe cuma cumartesi pazar "
    "понедельник пн вторник вт среда ср четверг чт пятница пт суббота сб воскресенье вс "
    "понеділок вівторок середа четвер пʼятниця субота неділя "
    "δευτέρα δευ τρίτη τρι τετάρτη τετ πέμπτη πέμ παρασκευή παρ σάββατο σάβ κυριακή κυρ "
    "星期一 星期二 星期三 星期四 星期五 星期六 星期日 星期天 周一 周二 周三 周四 周五 周六 周日 "
    "月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日 "
    "월요일 화요일 수요일 목요일 금요일 토요일 일요일"
)

# Words between day, month, year and time ("13 de septiembre de 2022 a las 9:28", "um 9:28 Uhr").
_FILLERS = "de del den der le la las el a à al at of om um uhr h klo kl r g г р року alle ore às"

_HALVES = {
    "am": "am a.m 上午 午前 오전 凌晨 早上 πμ",
    "pm": "pm p.m 下午 午後 오후 晚上 μμ",
}

MONTHS: dict[str, int] = {
    fold(form): number
    for names in _MONTHS.values()
    for number, forms in enumerate(names.split(), start=1)
    for form in forms.split("/")
}
"""Every form of a month's name to its number."""

DROPPED: frozenset[str] = frozenset(fold(word) for word in f"{_WEEKDAYS} {_FILLERS}".split())
"""Words that a date can be read without."""

HALVES: dict[str, str] = {fold(word): half for half, words in _HALVES.items() for word in words.split()}
"""Words for the halves of the day, to "am" or "pm"."""

# Hours east of UTC. Where letters mean two zones, the one of RFC 822 is meant, else the more common.
ZONES: dict[str, float] = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0,
    "est": -5, "edt": -4, "et": -5, "cst": -6, "cdt": -5, "ct": -6, "mst": -7, "mdt": -6, "mt": -7,
    "pst": -8, "pdt": -7, "pt": -8, "ast": -4, "adt": -3, "at": -4, "nst": -3.5, "ndt": -2.5,
    "akst": -9, "akdt": -8, "hst": -10, "art": -3, "brt": -3, "brst": -2, "clt": -4, "clst": -3,
    "bst": 1, "west": 1, "cet": 1, "met": 1, "mez": 1, "cest": 2, "mest": 2, "mesz": 2,
    "eet": 2, "eest": 3, "sast": 2, "msk": 3, "msd": 4, "trt": 3, "gst": 4, "pkt": 5, "ist": 5.5,
    "npt": 5.75, "ict": 7, "wib": 7, "hkt": 8, "sgt": 8, "awst": 8, "pht": 8, "jst": 9, "kst": 9,
    "acst": 9.5, "acdt": 10.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
    "a": -1, "m": -12, "n": 1, "y": 12,
}  # fmt: skip
