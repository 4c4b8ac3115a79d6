import pytest
import torch

from training.loss import pair_loss, rank_loss

pytestmark = pytest.mark.torch


def test_a_true_column_is_no_negative() -> None:
    logits = torch.tensor([[2.0, 9.0, 0.0]])
    truth = torch.tensor([[True, True, False]])
    own = torch.tensor([0])
    masked = rank_loss(logits, truth, own)
    assert masked == pytest.approx(torch.tensor([2.0, 0.0]).log_softmax(0)[0].neg().item())
    assert rank_loss(logits, torch.tensor([[True, False, False]]), own) > masked


def test_pair_loss_weighs_three_kinds_of_cells_alike() -> None:
    truth = torch.tensor([[True, False, False, False]])
    block = torch.tensor([[True, True, False, False]])
    even = pair_loss(torch.zeros(1, 4), truth, block)
    assert even == pytest.approx(3 * torch.tensor(2.0).log().item())
    assert pair_loss(torch.tensor([[9.0, -9.0, -9.0, -9.0]]), truth, block) < 0.001
    assert pair_loss(torch.tensor([[-9.0, -9.0, -9.0, -9.0]]), truth, block) > 8
