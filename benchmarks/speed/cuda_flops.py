"""Floating-point operations of a model by its shape, and what cards can do."""

# Dense bfloat16, as NVIDIA's data sheets of the H100 and H200 (SXM) give it; other cards are measured by a large product.
DATA_SHEET = {"H100": 989e12, "H200": 989e12}


def peak_of(card, measured):
    """FLOP/s, and where they are from."""
    for name, rate in DATA_SHEET.items():
        if name in card and "PCIe" not in card and "NVL" not in card:
            return rate, "data sheet"
    return measured, "largest product measured"


def forward_flops(shape, lengths):
    """Of texts with so many tokens, without padding: products with weights and attention, a multiplication and an addition each."""
    layers, width, _, inner = shape
    weights = layers * (4 * width * width + 2 * width * inner)
    return sum(2 * weights * length + 4 * layers * width * length * length for length in lengths)


def training_flops(shape, lengths):
    """The way back takes twice as much as the way forward."""
    return 3 * forward_flops(shape, lengths)
