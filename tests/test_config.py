"""A recipe that cannot work is refused in a sentence; the learning rate is what the arithmetic says."""

import pytest

from fashion_core import UserError
from fashion_core.runs.config import PRESETS, TrainConfig, learning_rate_at, migrate, preset


def test_the_paper_preset_is_what_the_paper_says():
    paper = preset("paper")
    assert (paper.architecture, paper.pretrained, paper.image_size, paper.epochs) == ("resnet50", "imagenet", 224, 10)
    assert (paper.optimizer, paper.schedule) == ("sgd", "step")
    assert paper.crop_scale == 1 and not paper.flip and not paper.label_smoothing and not paper.ema_decay


def test_no_preset_touches_hue():
    assert not any("hue" in name or "jitter" in name for recipe in PRESETS.values() for name in recipe.as_dict())


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"epochs": "0"}, "epochs is whole passes"),
        ({"epochs": "two"}, "epochs takes a whole number, not 'two'"),
        ({"learning_rate": "nan"}, "finite"),
        ({"learning_rate": "-1"}, "learning_rate"),
        ({"flip": "maybe"}, "switch"),
        ({"optimizer": "magic"}, "sgd, adamw"),
        ({"colour": "red"}, "no setting 'colour'"),
    ],
)
def test_a_bad_value_is_one_sentence(values, part):
    with pytest.raises(UserError, match=part):
        TrainConfig().changed(values)


def test_text_is_read_as_the_fields_own_type():
    recipe = TrainConfig().changed({"epochs": "3", "flip": "true", "learning_rate": "1e-2", "pretrained": "false"})
    assert (recipe.epochs, recipe.flip, recipe.learning_rate, recipe.pretrained) == (3, True, 0.01, "none")


def test_step_schedule_drops_by_gamma_after_step_size_epochs():
    recipe = TrainConfig(learning_rate=0.1, step_size=2, gamma=0.1, epochs=5)
    rates = [learning_rate_at(recipe, 10 * epoch, 10) for epoch in range(5)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])


def test_cosine_climbs_in_the_warm_up_and_ends_near_zero():
    recipe = TrainConfig(learning_rate=1.0, schedule="cosine", warmup_epochs=1, epochs=3)
    assert [learning_rate_at(recipe, step, 4) for step in range(4)] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert learning_rate_at(recipe, 4, 4) == pytest.approx(1.0)
    assert learning_rate_at(recipe, 8, 4) == pytest.approx(0.5)  # half of the two remaining epochs
    assert 0 < learning_rate_at(recipe, 11, 4) < 0.05


def test_a_run_of_one_epoch_still_leaves_its_warm_up():
    recipe = PRESETS["quick"].changed({"epochs": 1})
    assert learning_rate_at(recipe, 9, 10) < max(learning_rate_at(recipe, step, 10) for step in range(10))


@pytest.mark.parametrize("recipe", [*PRESETS.values(), TrainConfig(seed=5, split_seed=2, extra="/more", flip=True)])
def test_a_recipe_of_this_version_reads_back_as_itself(recipe):
    assert migrate(recipe.as_dict()) == recipe


def test_an_older_recipe_gets_what_held_in_its_time():
    older = TrainConfig(seed=9, learning_rate=0.3).as_dict()
    for newer in ("split_seed", "split_groups", "extra", "decisions"):
        del older[newer]
    assert migrate(older) == TrainConfig(seed=9, learning_rate=0.3, split_seed=9, decisions="")


def test_a_newer_recipe_is_refused_with_the_names_that_are_not_known():
    with pytest.raises(UserError, match="does not know the settings hue, mixup"):
        migrate(TrainConfig().as_dict() | {"hue": 0.1, "mixup": 0.2})
