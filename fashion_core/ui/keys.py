"""Every key of the session's state and of the address, by what it is for. It imports no other module of ui.

Streamlit names a bound widget's parameter in the address by its key, so a value here is a name in links that people
hold: keep it. The constant's name says what it is; the same parameter may mean another thing on another page. Besides
its widget, one module writes each key: `selection` those of the selection, `source` those of what is looked at.
"""

# Evaluate: which evaluation (ui/evaluate/source.py)
MODEL = "model"
PHOTO_SET = "of"  # people, test, all, or epochs
LINKED_PHOTO_SET = "linked-of"  # what the address said of it when it was last read
FACTOR = "by"  # classes, colour or garment
EPOCH = "epoch"
PHOTO_FOLDER = "folder"  # where the photos of an evaluation lie here

# Evaluate: which of its photos (ui/evaluate/selection.py)
TRUE, PREDICTED, WHICH, QUERY = "true", "predicted", "which", "q"
OPEN_PHOTO = "photo"  # a photo's id, or in old links its row
AREA = "area"  # corners on the map
LAST_SELECTED = "last-selected"  # table or chart → (its variant, the place), see selection.last_selected

# Evaluate: the line of switches, the headline and the filter bar (ui/evaluate/filters.py)
HEADLINE, FIGURES, SWITCHES, BAR = "headline", "figures", "switches", "bar"
FILTER_BAR, CHIPS = "filter-bar", "chips"
CLEAR_ALL, CLEAR_EMPTY = "clear-all", "clear-empty"

# Evaluate: its views (ui/evaluate/views.py) and what each shows
VIEW = "view"
CELLS = "cells"  # counts, by true or by predicted class
REFUSED_SHARE = "refuse"
CONTRADICTED = "contradicted"
OUTLIER_KIND = "odd"
MAP_COLOUR = "map-by"

# Evaluate: charts, tables and buttons
MATRIX, REPORT, RELIABILITY, COVERAGE, LEARNED = "matrix", "report", "reliability", "coverage", "learned"
MATRIX_NAMES = "names-of-matrix"  # what hears clicks on the names of the matrix, on Home too
COLOUR_CHART, MAP = "strip", "map"
MAP_BOX, MAP_PHOTOS = "map-box", "map-photos"  # where the map is, and what lays photos over it
LABEL_ISSUES_TABLE, COLOURS_TABLE, OUTLIERS_TABLE = "suspects", "lane", "oddities"
CLEAR_AREA, STOP_QUALITY, START_QUALITY = "area-clear", "quality-stop", "quality-start"
QUALITY_PROGRESS = "quality-progress"
PHOTO_LEFT, PHOTO_RIGHT = "photo-left", "photo-right"
PHOTO_OPENING = "photo-opening"  # of the open photo and those gone on to, until it is closed
PHOTO_KEYS, PHOTO_STEPS = "photo-keys", "photo-steps"  # what loads the keys, and how far they have gone
PICTURE, HEAT, HEAT_CLASS = "open-photo", "heat", "heat-class"
DUPLICATES, SIMILAR = "duplicates", "alike"
EVALUATE_PHOTOS = "photos"  # the gallery; its page number stands in the address as photos-page

# Evaluate: several photos at once (ui/evaluate/photos.py)
SELECTING, SELECTED = "selecting", "selected"  # whether tiles are selected; the paths of those that are
SEVERAL = "several"

# Label review (ui/label_review.py)
LABEL_PROBLEM, LABEL_NEWS = "decision-problem", "decision-news"
LABEL_QUESTION = "decision-question"  # (file, an import for it whose labels may have lost their zeros)
LABELS_FILE, LABELS_TABLE = "decisions-file", "decided"
LABEL_LAST = "decision-last"  # (file, path, words) of the decision after which the next photo was opened
LABEL_STEP = "decision-step"  # (file, photo → label, words) of several decisions made in one step
START_REVIEW, SHOW_ALL_ISSUES, SHOW_ALL_ODD = "review-start", "issues-all", "odd-all"
TAKE_ZEROS, REFUSE_ZEROS = "take-zeros", "refuse-zeros"

# Retrain and compare (ui/evaluate/retrain.py)
RETRAIN, RETRAIN_PROBLEM, RETRAIN_PROGRESS = "retrain", "retrain-problem", "retrain-progress"
MENDED, MENDED_PHOTOS = "mended", "mended-photos"

# Home (pages/home.py)
HOME_MATRIX, HOME_MISTAKES = "matrix", "mistakes"
HOME_ONWARD = "onward"  # the two links to other pages, as its style names them

# Compare (pages/compare.py, ui/model_comparison.py)
COMPARE_TESTED_ON = "photos"  # on which photos the models were right
COMPARE_COST, COMPARE_CHART, COMPARE_TABLE, COMPARE_MODEL = "cost", "trade-off", "models", "named"
COMPARE_AGAINST, COMPARE_ONLY, COMPARE_PHOTOS = "against", "only", "differ"

# Home and Predict (ui/try_photos.py): its parts, as its style names them
TRY, TRY_DROP, TRY_EXAMPLES, TRY_AGAIN = "try", "try-drop", "try-examples", "try-again"

# Predict (pages/predict.py, ui/try_photos.py, ui/example_photos.py, ui/answers.py, ui/nine_photos.py)
PREDICT_MODEL, PREDICT_TOP, PREDICT_VIEW = "model", "k", "view"
ANSWERED_APART = "answered-apart"  # on a shared server: (model, photo) → answer, of this session alone
NOT_TAKEN = "not-taken"  # the files beside which photos found no room on a shared server, and how many
PREDICT_FILES, PREDICT_CAMERA, PREDICT_TAKEN = "photos", "camera", "taken"
EXAMPLES, EXAMPLE_FILE = "example", "example"  # the tiles, and the file of the one that was pressed
ANSWERS = "answers"  # the number of the page of answers
ANSWER_TILES = "answer"
NINE_SEED, NINE_PHOTOS = "seed", "nine"

# Catalogue (pages/catalogue.py, ui/catalogue.py)
CATALOGUE, CATALOGUE_SHOW, CATALOGUE_LABEL, CATALOGUE_SORT = "catalogue", "show", "label", "sort"
CATALOGUE_PHOTO = "photo"  # the row of the photo that is shown alone
CATALOGUE_PHOTOS, CATALOGUE_ALIKE, CATALOGUE_UNREADABLE = "photos", "alike", "unreadable"
CATALOGUE_PROBLEM = "catalogue-problem"  # what was wrong with a file that was handed in, until it is shown
CATALOGUE_FILE, CATALOGUE_NEXT, CATALOGUE_CLOSE = "catalogue-file", "catalogue-next", "catalogue-close"

# Data (pages/data.py) and Train (pages/train.py)
DATA_FOLDER, DATA_CLASS, DATA_SPLIT, DATA_SIZE, DATA_SHOW = "folder", "class", "part", "size", "show"
DATA_COUNTS, DATA_SIZES, DATA_UNREADABLE, DATA_PHOTOS = "counts", "sizes", "unreadable", "photos"
DATA_LINKED = "linked-folder"  # what the address said of the folder when it was last read
DATA_SCAN, DATA_RECEIVED = "looked", "got"
DATA_FORM, DATA_SOURCE, DATA_LOCAL, DATA_NAME = "get", "source", "local", "name"
OWN_SET, OWN_LABELS = "own-set", "own-labels"
OWN_LINK = "make"  # in a link that opens the classes of one's own
OWN_PROBLEM = "own-problem"  # what kept a class from being renamed or removed, until it is shown
OWN_RENAMED = "own-renamed"  # the set's name, and the class's name before and after, of the last time
DATA_PROBLEM = "data-problem"  # what kept a class from being left out, until it is shown
TRAIN_PRESET, TRAIN_FORM, TRAIN_NEW = "preset", "recipe", "new-run"
TRAIN_STARTED = "run-started"  # a run was started: the form folds away at the next drawing
TRAIN_FOLDER = "folder"  # of known photos its name, else a path; only links that come in have it in the address
TRAIN_PROBLEM = "train-problem"  # what kept a run from being named, deleted or brought back, until it is shown
TRAIN_MENU, TRAIN_NAME, TRAIN_DELETE, TRAIN_UNDO = "run-menu", "run-name", "run-delete", "run-undo"
TRAIN_DELETED = "run-deleted"  # (id, name) of the run that this visitor deleted last
TRAIN_RUN = "run"  # the run that is shown
TRAIN_OVERLAYS = "beside"  # runs whose curves are drawn with it
TRAIN_PER = "by"  # what an x is, a step or an epoch
TRAIN_AXIS, TRAIN_SMOOTHING, TRAIN_ZOOM = "axis", "smoothing", "zoom"
CURVES, CURVE_ZOOM = "curves", "curve-zoom"  # where the curves are, and what hears the wheel and the drag there
TRAIN_TABLE = "runs-table"

# The live fragment (ui/live.py) and what it offers of a run (ui/resume.py)
LIVE, POLL = "live", "poll"
# What a run's network answered after each epoch (ui/epoch_photos.py): which epoch, the newest when that was chosen, the
# nine photos, and the path of the one that is shown large
EPOCH_CHOICE, EPOCH_NEWEST, EPOCH_PHOTOS, EPOCH_OPEN = "epoch-choice", "epoch-newest", "epoch-photos", "epoch-open"
RESUME_PROBLEM = "resume-problem"  # what kept a run from being stopped or resumed, until it is shown


def setting(preset: str, name: str) -> str:
    """Train's form: a setting of a preset."""
    return f"{preset}.{name}"


def job(what: str, name: str) -> str:
    """The progress of work off the page's thread, and the buttons that stop and start it (ui/background.py)."""
    return f"job-{what}-{name}"


def of_run(what: str, run: str) -> str:
    """The live fragment: a chart, field or button of a run."""
    return f"{what}-{run}"


def page_number(gallery: str) -> str:
    """Of a gallery: which of its pages is shown."""
    return f"{gallery}-page"


def grid(gallery: str) -> str:
    return f"{gallery}-grid"


def tile(gallery: str, place: int) -> str:
    return f"tile-{gallery}-{place}"


def figures(of: str) -> str:
    """A grid of figures, each with words under it."""
    return f"figures-{of}"


def settings(which: str) -> str:
    """A grid of fields with settings of a training."""
    return f"settings-{which}"


def example(place: int) -> str:
    """The button that chooses an example, by its place."""
    return f"example-{place}"


def answers(photos: int) -> str:
    """Where the answers to so many photos are: several are laid out otherwise than one."""
    return "try-answers" if photos > 1 else "try-answer"


def alike(place: int) -> str:
    """The photos most like one that was answered, by its place."""
    return f"alike-{place}"


def answer_why(place: int) -> str:
    """What lies behind the answer to a photo, by its place."""
    return f"answer-why-{place}"


def answer(place: int) -> str:
    """What a model says of a photo, by its place."""
    return f"answer-{place}"


def sample_tile(label: str) -> str:
    return f"tile-{label}"


def page_link(page: str) -> str:
    """The box with the link to a page."""
    return f"link-{page}"


def absent(gallery: str, place: int) -> str:
    return f"absent-{gallery}-{place}"


def why(gallery: str, place: int) -> str:
    """The button of a tile that opens its photo."""
    return f"why-{gallery}-{place}"


def remove(gallery: str, place: int) -> str:
    """The button of a tile that takes its photo away."""
    return f"remove-{gallery}-{place}"


def tick(gallery: str, place: int) -> str:
    """The checkbox of a tile that selects its photo."""
    return f"tick-{gallery}-{place}"


def several(action: str) -> str:
    """What is decided of, or done with, the photos that are selected."""
    return f"several-{action}"


def chip(place: int) -> str:
    """A filter of the question, by its place."""
    return f"chip-{place}"


def question(place: int) -> str:
    """A question to begin with, by its place."""
    return f"question-{place}"


def active_filter(name: str) -> str:
    """The chip of a filter that is no question's."""
    return f"filter-{name}"


def select(what: str) -> str:
    """The button beside a number that selects its photos."""
    return f"select-{what}"


def variant(table: str, shown: int) -> str:
    """A table or chart that shows this: of other rows it is another one, whose ticks begin anew."""
    return f"{table}-{shown}"


def decide(action: str) -> str:
    return f"decide-{action}"


def another_label(row: int) -> str:
    return f"another-{row}"


def duplicate_group(group: int) -> str:
    """The box of near-duplicates of this group."""
    return f"group-{group}"


def group_photos(group: int) -> str:
    """The gallery of the near-duplicates of this group."""
    return f"{DATA_PHOTOS}-{group}"


def few(label: str) -> str:
    """The line of a class with too few photos, and the button beside it (`leave_out`)."""
    return f"few-{label}"


def leave_out(label: str) -> str:
    return f"leave-out-{label}"


def hidden(label: str) -> str:
    """The line of a class that is left out, and the button beside it (`put_back`)."""
    return f"hidden-{label}"


def put_back(label: str) -> str:
    return f"put-back-{label}"


def catalogue_label(place: int) -> str:
    """The right label of a photo of a catalogue, by its row."""
    return f"right-label-{place}"


def catalogue_download(kind: str) -> str:
    return f"catalogue-{kind}"


def own_class(name: str, label: str) -> str:
    """The drop zone of a class of one's own set."""
    return f"own-{name}-{label}"


def of_own_class(what: str, name: str, label: str) -> str:
    """What can be done with a class of one's own set, its name in a field, its photos."""
    return f"own-{what}-{name}-{label}"


def own_undo(place: int) -> str:
    return f"own-undo-{place}"
