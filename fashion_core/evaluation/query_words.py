"""The words that a question about photos may use: what each means, what each class may be called, and set phrases.

    plain("Miss-classified jeans, please")      # "misclassified jeans, please": phrases become single words
    CALLED["jeans"]                             # the names it may stand for, tried in this order

A name that a model has as a class, a colour or a garment always means that; CALLED is asked only for others.
"""

import re

WORDS = {
    "wrong": "wrong wrongly misclassified misread mispredicted mistake mistakes error errors mistaken mistook "
    "confused confusion confusions incorrect incorrectly failures failed fails false worst hardest missed bad badly "
    "poorly weak",
    "right": "right correct correctly",
    "colour": "colour color colours colors",
    "garment": "garment garments",
    "both": "both",
    "at least 90%": "confident confidently sure certain",
    "below 60%": "unsure uncertain doubtful hesitant least_sure",
    "leaked": "leaked leaking leaks leak leakage",
    "label issues": "label_issues mislabelled mislabeled",
    "duplicates": "duplicates duplicate duplicated",
    "predicted": "predicted predicts predict called calls as taken takes took named thinks think thought believes "
    "believed says said considers considered guesses guessed sees for_it",
    "true": "true labelled labeled",
    "really": "truly actually really genuinely",
    "between": "mixed_up_between",
    "not": "not no non never except excluding without isn't aren't wasn't weren't didn't doesn't don't nor",
    "or": "and or but",
    "": "a an all also am any anything apparel are around at be been being belonging by can class classes clothes "
    "clothing coloured colored confidence could did display do does done each every everything example examples few "
    "find for from get gets getting give go got had has have having hello here hey hi how i i'd i'll i'm image images "
    "in is it item items its just let let's like list look looking looks made make many me model model's most my need "
    "network now of ok on once one ones only our out photo photographs photos pic pics picture pictures please "
    "pretty kindly see seen show shown so some still such take tell thank thanks that that's the their them then "
    "there these they this those to too try us very view want was we were what when where whether which while who "
    "whose will with would you your",
}
MEANING = {word: meaning for meaning, words in WORDS.items() for word in words.split()}

# What people call colours and garments → the names that classes may have for it, the nearest first.
_PANTS, _SHOES, _SHIRT, _KNIT = "pants trousers trouser", "shoes shoe footwear", "shirt top", "sweater pullover jumper"
_COLOURS = {
    "blue": "navy denim navy_blue dark_blue light_blue azure cobalt indigo ultramarine sapphire",
    "red": "crimson scarlet burgundy maroon ruby",
    "white": "ivory off_white cream snow",
    "black": "jet ebony",
    "green": "olive lime emerald khaki mint",
    "brown": "tan beige chocolate camel chestnut khaki",
    "grey gray": "charcoal silver",
    "gray grey": "grey",
    "purple violet": "lilac lavender mauve",
    "pink": "rose magenta fuchsia",
    "yellow": "mustard golden",
}
_GARMENTS = {
    _PANTS: "pants pant trousers trouser slacks chinos chino leggings joggers sweatpants",
    f"jeans {_PANTS}": "jeans jean denims",
    _SHOES: "footwear trainers trainer loafers heels high_heels pumps moccasins",
    f"sneakers sneaker trainers {_SHOES}": "sneakers sneaker runners",
    f"boots boot ankle_boot {_SHOES}": "boots boot ankle_boots ankle_boot",
    f"sandals sandal {_SHOES}": "sandals sandal flip_flops slippers",
    "dress": "gown gowns frock frocks sundress sundresses",
    f"t-shirt tee {_SHIRT}": "tee tees t_shirt t_shirts tshirt tshirts tee_shirt tee_shirts",
    _SHIRT: "top tops blouse blouses polo polos button_down",
    "shorts": "short bermudas trunks boardshorts",
    _KNIT: "sweater sweaters pullover pullovers jumper jumpers cardigan cardigans",
    "coat jacket": "coat coats overcoat parka",
    "jacket coat": "jacket jackets blazer blazers",
    "hat cap": "hat hats cap caps beanie",
}
CALLED: dict[str, tuple[str, ...]] = {}
for _names, _words in [*_COLOURS.items(), *_GARMENTS.items()]:
    for _word in _words.split():
        CALLED[_word] = (*CALLED.get(_word, ()), *_names.split())
USUAL_COLOUR = {"jeans": "blue", "jean": "blue", "denims": "blue"}  # where no other colour is named with it

NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12, "twenty": 20, "fifty": 50, "hundred": 100,
}  # fmt: skip

# What is taken out of a question before its words: bounds on the confidence, names of files, how many.
BOUND = re.compile(
    r"(below|under|less sure than|less than|at most|<|above|over|more sure than|more than|at least|>)\s*"
    r"(\d+(?:\.\d+)?)\s*(%|percent\b|)(?:\s*(?:sure|confident|certain)\b)?"
)
BETWEEN = re.compile(
    r"(?:\b(?:between|from)\s*)?\b(\d+(?:\.\d+)?)\s*(?:%|percent)?\s*(?:to|and|-|–)\s*(\d+(?:\.\d+)?)\s*(?:%|percent\b)"
)
BELOW = ("below", "under", "less sure than", "less than", "at most", "<")
FILE = re.compile(r"[\"“]([^\"“”]+\.[a-z0-9]{2,4})[\"”]|([^\s,;\"“”]+\.(?:jpe?g|png|webp|bmp|gif|tiff?|heic|avif))\b")
_NUMBER = rf"(\d+|{'|'.join(NUMBERS)})\b(?!\s*(?:%|percent\b))"
_FIRST = r"(?:worst|top|hardest|biggest|most (?:confident|sure|certain))"
COUNTS = {
    "least": re.compile(rf"\bleast[ _](?:sure|confident|certain) {_NUMBER}|\b{_NUMBER} least[ _](?:sure|confident)\b"),
    "worst": re.compile(rf"\b{_FIRST} {_NUMBER}|\b{_NUMBER} {_FIRST}\b"),
}

_LABELS = r"label(?:s|l?ing)?"
_PHRASES = tuple((re.compile(pattern), meant) for pattern, meant in (
    (r"[’`]", "'"),
    (r"\bmiss?[- ]?(?=class|label|read|predict)", "mis"),
    (rf"\b{_LABELS} (?:errors?|issues?|mistakes?|problems?|noise)\b", " label_issues "),
    (r"\b(?:wrongly|incorrectly|badly|falsely) labell?ed\b|\b(?:wrong|bad|suspicious|doubtful|odd|incorrect) labels?\b",
     " label_issues "),
    (rf"\b{_LABELS} (?:that |which )?(?:may be |might be |looks? |seems? |is |are )(?:wrong|off|odd|incorrect)\b",
     " label_issues "),
    (r"\b(?:near|exact)[- ]?duplicate", "duplicate"),
    (r"\bin (?:truth|fact|reality)\b", "really"),
    (r"\b(?:nothing|none|no one) but\b", " "),
    (r"\b(?:all|any\w*|every\w*) but\b", "except"),
    (r"\b(?:right|correct) garment\b[ ,]*(?:but |and )?(?:the |a |in )*wrong colou?r\b", "wrong colour"),
    (r"\bwrong colou?r\b[ ,]*(?:but |and )?(?:the |a )*(?:right|correct) garment\b", "wrong colour"),
    (r"\b(?:right|correct) colou?r\b[ ,]*(?:but |and )?(?:the |a |in )*wrong garment\b", "wrong garment"),
    (r"\bwrong garment\b[ ,]*(?:but |and )?(?:the |a )*(?:right|correct) colou?r\b", "wrong garment"),
    (r"\b(?:mistaken|misread|misclassified|mispredicted|confused|mixed up|mistook) (?:as|for|with)\b",
     "wrong predicted"),
    (r"(?:(?<=\bit )|(?<=\bmodel ))(?:mistakes?|confuses?|mix(?:es)? up) (?:for|with)\b", "wrong predicted"),
    (r"\b(?:confusions?|mix-?ups?|confused|mixed up) (?:between|among)\b", "mixed_up_between"),
    (r"\bfalse positives?(?: (?:for|of|in|as))?\b", "wrong predicted"),
    (r"\bfalse negatives?(?: (?:for|of|in))?\b", "wrong"),
    (r"\b(?:not|isn't|aren't|wasn't|is n't) (?:so |very |really |too )?(?:sure|confident|certain)\b", "unsure"),
    (r"\b(?:low|little|lowest|small)[- ]?confidence\b|\bconfidence (?:is |was )?low\b", "unsure"),
    (r"\bhigh[- ]?confidence\b|\bconfidence (?:is |was )?high\b", "confident"),
    (r"\b(?:classified|recogni[sz]ed|read|seen|given) (?:as|for)\b", "predicted"),
    (r"\blabell?ed as\b", "labelled"),
    (r"\bother than\b|\bapart from\b", "except"),
    (r"\bleast (?:sure|confident|certain)\b|\bmost (?:unsure|uncertain)\b", "least_sure"),
))  # fmt: skip
_LONGER = re.compile("|".join(rf"\b{word.replace('_', '[ -]')}\b" for word in CALLED if "_" in word))


def plain(text: str) -> str:
    """`text`, in lower case, with its phrases as single words."""
    for pattern, meant in _PHRASES:
        text = pattern.sub(meant, text)
    return _LONGER.sub(lambda found: re.sub("[ -]", "_", found[0]), text)
