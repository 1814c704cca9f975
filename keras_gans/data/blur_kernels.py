"""Blurs of the real world: Gaussians and their kin, and the ringing of a sinc."""

import numpy as np

# How often each of the five forms of a blur is drawn, and round or not.
FORMS = (
    ("gaussian", True, 0.45),
    ("gaussian", False, 0.25),
    ("generalized", True, 0.12),
    ("generalized", False, 0.03),
    ("plateau", True, 0.12),
    ("plateau", False, 0.03),
)

BETAS = {"gaussian": (1.0, 1.0), "generalized": (0.5, 4.0), "plateau": (1.0, 2.0)}


def blur_kernel(size, sigmas, angle=0.0, form="gaussian", beta=1.0):
    """exp(-q / 2), exp(-q^beta / 2) or 1 / (q^beta + 1), q = c^T S^-1 c, of sum 1.

    S = R diag(s_1^2, s_2^2) R^T, with R the rotation by `angle`.

    Args:
        size: int, odd; side of the kernel.
        sigmas: `(s_1, s_2)` in pixels.
        angle: float, radians.
        form: `"gaussian"`, `"generalized"` or `"plateau"`, in this order.
        beta: float, of the last two.

    Returns:
        float64 `(size, size)`.

    Reference: arXiv 2107.10833, section 3.1.
    """
    places = np.arange(size) - size // 2
    x, y = np.meshgrid(places, places)
    along = np.cos(angle) * x + np.sin(angle) * y
    across = np.cos(angle) * y - np.sin(angle) * x
    q = (along / sigmas[0]) ** 2 + (across / sigmas[1]) ** 2
    if form == "plateau":
        kernel = 1.0 / (q**beta + 1.0)
    else:
        kernel = np.exp(-0.5 * (q if form == "gaussian" else q**beta))
    return kernel / kernel.sum()


def sinc_kernel(size, cutoff):
    """w J_1(w r) / (2 pi r), at the centre w^2 / (4 pi), of sum 1: a pass that rings.

    Args:
        size: int, odd; side of the kernel.
        cutoff: float, w, radians per pixel.

    Returns:
        float64 `(size, size)`.

    Reference: arXiv 2107.10833, eq. 6.
    """
    from scipy.special import j1

    places = np.arange(size) - size // 2
    r = np.hypot(*np.meshgrid(places, places))
    r[size // 2, size // 2] = 1.0
    kernel = cutoff * j1(cutoff * r) / (2 * np.pi * r)
    kernel[size // 2, size // 2] = cutoff**2 / (4 * np.pi)
    return kernel / kernel.sum()


def draw_kernel(random, sigma_range, sinc_share=0.1):
    """A blur of 7 to 21 pixels, of any form.

    Args:
        random: `numpy.random.RandomState`.
        sigma_range: `(low, high)` of its sigmas.
        sinc_share: Probability that it is a sinc.
    """
    size = 2 * random.randint(3, 11) + 1
    if random.random_sample() < sinc_share:
        return draw_sinc(random, size, np.pi / 3 if size < 13 else np.pi / 5)
    shares = np.cumsum([share for *_, share in FORMS])
    drawn = random.random_sample() * shares[-1]
    form, is_round, _ = FORMS[int(np.searchsorted(shares, drawn, side="right"))]
    first, second = random.uniform(*sigma_range, size=2)
    angle = random.uniform(-np.pi, np.pi)
    beta = _draw_beta(random, *BETAS[form])
    sigmas = (first, first) if is_round else (first, second)
    return blur_kernel(size, sigmas, 0.0 if is_round else angle, form, beta)


def draw_sinc(random, size, lowest):
    """A sinc whose cut-off is drawn from `lowest` to pi."""
    return sinc_kernel(size, random.uniform(lowest, np.pi))


def _draw_beta(random, low, high):
    """As often below 1 as above, where both are possible."""
    if low < 1.0 < high:
        low, high = (low, 1.0) if random.random_sample() < 0.5 else (1.0, high)
    return random.uniform(low, high)
