"""What languages are told apart by: scripts, single letters, and their commonest words.

Rules of this file: data only. A model that knows a hundred languages (lingua, fastText, langid)
brings tens to hundreds of megabytes and a second to start; feeds that do not state their language
are few, and for them scripts and small words do.
"""

# Scripts that (nearly) one language has, as ranges of characters.
SCRIPTS: dict[str, str] = {
    "ja": "぀-ヿ",
    "ko": "가-힣ᄀ-ᇿ",
    "th": "฀-๿",
    "el": "Ͱ-Ͽ",
    "he": "֐-׿",
    "hy": "԰-֏",
    "ka": "Ⴀ-ჿ",
    "hi": "ऀ-ॿ",
    "bn": "ঀ-৿",
    "pa": "਀-੿",
    "gu": "઀-૿",
    "ta": "஀-௿",
    "te": "ఀ-౿",
    "kn": "ಀ-೿",
    "ml": "ഀ-ൿ",
    "si": "඀-෿",
    "lo": "຀-໿",
    "bo": "ༀ-࿿",
    "my": "က-႟",
    "am": "ሀ-፿",
    "km": "ក-៿",
}

# Scripts that several languages share: the letters that only some of them have, else the commonest language.
SHARED: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "Ѐ-ӿ": (
        "ru",
        (("uk", "іїєґ"), ("be", "ўі"), ("sr", "ђћџљњј"), ("mk", "ѓќѕ"), ("kk", "әғқңөұүһ"), ("bg", "ъщ")),
    ),
    "؀-ۿ": ("ar", (("ur", "ٹڈڑےں"), ("fa", "پچژگ"))),
    "一-鿿": ("zh", ()),
}

# Characters that exist in one form of Chinese only, from the commonest ones.
SIMPLIFIED = frozenset(
    "们这国时会来对说个为发经过还开问长现门车东马见书买卖张动听写让认识语请谢红级约给统网罗师币带当战术"
)
TRADITIONAL = frozenset(
    "們這國時會來對說個為發經過還開問長現門車東馬見書買賣張動聽寫讓認識語請謝紅級約給統網羅師幣帶當戰術"
)

# The commonest words of languages in Latin letters, those that few others have.
WORDS: dict[str, str] = {
    "en": "the and of to in that is was for with it on are this have from be by not they which you his her",
    "de": "der die und das ist nicht mit den von sich des auf für ein eine dem auch als wird sind bei nach",
    "fr": "le la les des et est une dans que pour qui sur pas avec plus sont cette aux du ce ont mais",
    "es": "el los las una que por con para es del como más pero sus está este han ser también muy y al",
    "pt": "o os as uma que não com para é dos das mais como foi ao pelo pela são também seu sua mas no na em",
    "it": "il che di non è per una con sono della del anche come più gli alla nel dei delle questo ha si i",
    "nl": "de het een van en dat niet zijn op met voor aan ook maar bij naar wordt heeft deze uit nog er",
    "sv": "och att det som en är på av för med den inte till har ett om de var från men kan hade också vi",
    "da": "og det at en er af på til med den ikke der for som har de et men kan også var blev efter jeg",
    "nb": "og det er på av til med ikke som den for har en et men kan også var fra etter ble seg jeg å",
    "fi": "ja on ei se että oli hän mutta myös kun ovat joka mukaan sekä olla kuin vain tai sen ole jo ovat",
    "pl": "nie się na jest że do to z w i jak po ale przez tym oraz był jego dla czy od które tylko przy",
    "cs": "se na je že v to s z do jako by pro ale po za byl jsou jeho má které podle jsme také si při",
    "sk": "sa na je že v to s z do ako by pre ale po za bol sú jeho má ktoré podľa sme aj si pri",
    "hu": "a az és hogy nem is egy van ez meg csak de már volt mint még kell el ki szerint amely után",
    "ro": "și în de la cu nu o pe care din este un mai să că au fost sunt pentru prin sau după ale",
    "hr": "i je u na se da za su od s koji ali kao iz to ne će bi još nije samo o više nakon",
    "tr": "ve bir bu için ile de da olarak çok en daha olan var gibi kadar ne sonra ancak değil her ise",
    "vi": "và của là có được cho không trong một các với người này những đã khi từ đến tại cũng sẽ về",
    "id": "yang dan di dengan untuk ini dari pada tidak itu dalam akan juga ke adalah telah bisa oleh",
    "ca": "el la els les i de que per amb un una és no del al més com ha però també són aquest dels",
    "et": "ja on ei et see oli ta kui ka oma mis aga või seda ning kes pole nii mida olid saab välja",
    "lt": "ir kad yra tai bet į su iš ne buvo kaip jis o nuo dar per po jau apie taip tik pagal",
    "lv": "un ir ka no ar tas par bet arī kas nav uz bija ko pēc lai gan vai kā to tā vēl",
}
