import torch

from spiden_cli.core.training.config import PRECISIONS
from spiden_cli.core.training.precision import fastest_precision


def test_one_of_the_two_is_chosen():
    assert fastest_precision(torch.device("cpu")) in PRECISIONS


def test_the_faster_one_is_chosen(monkeypatch):
    seconds = {"float32": 2.0, "bfloat16": 1.0}
    place = "spiden_cli.core.training.precision._time_step"
    monkeypatch.setattr(place, lambda _, precision: seconds[precision])
    assert fastest_precision(torch.device("cpu")) == "bfloat16"
    seconds["bfloat16"] = 3.0
    assert fastest_precision(torch.device("cpu")) == "float32"
