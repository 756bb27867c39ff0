import pytest
import torch

from spiden_cli.core.network.layers import ConvNorm


@pytest.fixture
def layer() -> ConvNorm:
    torch.manual_seed(0)
    layer = ConvNorm(3, 5)
    for _ in range(3):
        layer(torch.randn(4, 3, 9, 7) * 2 + 1)
    return layer.eval()


def test_frozen_statistics_keep_the_output(layer):
    x = torch.randn(2, 3, 8, 11)
    expected = layer(x)
    layer.frozen = True
    torch.testing.assert_close(layer(x), expected)


def test_frozen_statistics_let_gradients_reach_every_parameter(layer):
    x = torch.randn(2, 3, 8, 11)
    layer(x).square().sum().backward()
    expected = {name: parameter.grad.clone() for name, parameter in layer.named_parameters()}
    layer.zero_grad()
    layer.frozen = True
    layer(x).square().sum().backward()
    for name, parameter in layer.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-4, atol=1e-4)
