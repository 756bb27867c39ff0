"""What a network is made of: one frozen configuration, which travels with its weights."""

from dataclasses import dataclass, fields, replace

from spiden_cli.errors import InputError

NEURONS = ("if", "lif", "weighted", "relu")
MOST_TIMESTEPS = 64
"""Of any network: more say nothing that fewer don't; memory and time grow with each."""
LEAST_THRESHOLD, MOST_THRESHOLD = 1e-3, 1e3
"""In units of a normalised current: beyond them a neuron always fires, or never."""
SURROGATES = ("rectangular", "triangular", "arctan", "fast_sigmoid")  # of neuron.surrogate


@dataclass(frozen=True)
class NetworkConfig:
    """The whole shape of a network; it travels in the metadata of every weights file.

    Attributes:
        family: how the layers are joined: a module of `families/`.
        neuron: "if", "lif", "weighted" (T spikes are the binary digits of a value), or "relu" for
            the CNN twin of the same topology.
        image_channels: 1 for grey, 3 for colour.
        width: channels of every inner layer (at the finest resolution).
        layers: 3x3 convolutions in all, encoder and read-out included.
        shortcuts: join the inner layers by twos into blocks with membrane shortcuts.
        unshuffle: side of the square of pixels that becomes one position (1: none).
        noise_map: feed the noise level as one more input channel, and predict the noise in units
            of that level: what T timesteps can't resolve then shrinks with the noise.
        threshold: starting threshold of every neuron, in units of a normalised current.
        initial_potential: phi, membrane potential before the first step over the threshold.
        learn_initial: let each neuron learn its own, from there on.
        population: neurons for each channel in the last layer, with staggered initial potentials:
            the read-out then receives population * T + 1 levels, at the price of its own few
            operations. The rounding of this one layer is the dearest of all, since nothing
            after it can make up for it. A CNN, which rounds nothing, ignores it.
        inner_population: likewise in every other layer, where each neuron more costs a kernel more.
        surrogate: name of the surrogate gradient.
    """

    neuron: str = "if"
    image_channels: int = 1
    width: int = 64
    layers: int = 17
    shortcuts: bool = False
    unshuffle: int = 1
    noise_map: bool = False
    threshold: float = 1.75
    initial_potential: float = 0.5
    learn_initial: bool = False
    population: int = 1
    inner_population: int = 1
    surrogate: str = "rectangular"
    family: str = "chain"

    def __post_init__(self) -> None:
        """Refuse values out of range; whether they make a network, its family says.

        Raises:
            InputError: a value is out of range; the message names it.
        """
        for setting in fields(self):  # a weights file may say anything
            kind, given = type(setting.default), type(getattr(self, setting.name))
            if given is not kind and (kind, given) != (float, int):
                raise InputError(f"{setting.name}: {kind.__name__} wanted, not {given.__name__}")
        if self.neuron not in NEURONS:
            raise InputError(f"unknown neuron {self.neuron!r}: choose one of {', '.join(NEURONS)}")
        if self.surrogate not in SURROGATES:
            raise InputError(
                f"unknown surrogate gradient {self.surrogate!r}: choose one of "
                f"{', '.join(SURROGATES)}"
            )
        if self.image_channels not in (1, 3):
            raise InputError(f"image channels must be 1 or 3, not {self.image_channels}")
        if self.layers < 3:
            raise InputError(f"{self.layers} layers: at least 3 are needed")
        if not (1 <= self.width <= 1024 and self.layers <= 256 and 1 <= self.unshuffle <= 8):
            raise InputError("at most 1024 channels, 256 layers and an unshuffle of 8, at least 1")
        for population in (self.population, self.inner_population):
            if not 1 <= population <= 16:
                raise InputError(f"a population must be of 1 to 16 neurons, not {population}")
        if not LEAST_THRESHOLD <= self.threshold <= MOST_THRESHOLD:
            raise InputError(
                f"the threshold must lie in {LEAST_THRESHOLD:g} to {MOST_THRESHOLD:g}, "
                f"not {self.threshold:g}"
            )
        if self.weighted and self.learn_initial:
            raise InputError(
                "weighted spikes have no initial potential to learn: take IF neurons, or learn none"
            )
        if not 0 <= self.initial_potential <= 1:
            raise InputError(
                f"the initial potential must lie in 0 to 1, not {self.initial_potential}"
            )

    @property
    def encoded_channels(self) -> int:
        """Channels of the encoded image, noise map included."""
        return self.image_channels * self.unshuffle**2 + self.noise_map

    @property
    def pixel_channels(self) -> int:
        """Channels of the read-out: one for each value of the pixels of a position."""
        return self.image_channels * self.unshuffle**2

    @property
    def spiking(self) -> bool:
        """Whether the neurons spike; the CNN twin's do not."""
        return self.neuron != "relu"

    @property
    def weighted(self) -> bool:
        """Whether spikes weigh by when they are sent: a layer then waits for all of its input."""
        return self.neuron == "weighted"

    @property
    def one_pass(self) -> bool:
        """Whether one pass over the network's values stands for all timesteps exactly."""
        return self.weighted or not self.spiking

    def twin(self) -> "NetworkConfig":
        """Return the CNN of the same topology."""
        return replace(self, neuron="relu", population=1, inner_population=1, learn_initial=False)
