"""The systems, one file each."""

from keras_gans.models.a_fast_rcnn import AFastRCNN
from keras_gans.models.adain import AdaIN
from keras_gans.models.age_cgan import AgeCGAN
from keras_gans.models.anime_gan import AnimeGAN
from keras_gans.models.anogan import AnoGAN
from keras_gans.models.biggan import BigGAN
from keras_gans.models.biggan_deep import BigGANDeep
from keras_gans.models.cgan import CGAN
from keras_gans.models.cogan import CoGAN
from keras_gans.models.cyclegan import CycleGAN
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.detector import Detector
from keras_gans.models.diagonal_bilstm import DiagonalBiLSTM
from keras_gans.models.dtn import DTN
from keras_gans.models.esrgan import ESRGAN
from keras_gans.models.f_anogan import FAnoGAN
from keras_gans.models.gan import GAN
from keras_gans.models.gan_3d import GAN3D
from keras_gans.models.gan_cls import GANCLS
from keras_gans.models.improved_gan import ImprovedGAN
from keras_gans.models.neural_style import NeuralStyle
from keras_gans.models.perceptual_gan import PerceptualGAN
from keras_gans.models.pix2pix import Pix2Pix
from keras_gans.models.pix2pixhd import Pix2PixHD
from keras_gans.models.pixel_cnn import PixelCNN
from keras_gans.models.progan import ProGAN
from keras_gans.models.r1_gan import R1GAN
from keras_gans.models.radial_gan import RadialGAN
from keras_gans.models.real_esrgan import RealESRGAN
from keras_gans.models.row_lstm import RowLSTM
from keras_gans.models.sagan import SAGAN
from keras_gans.models.srgan import SRGAN
from keras_gans.models.stackgan import StackGAN, StackGANv2, StackGANv2Unconditional
from keras_gans.models.stylegan import StyleGAN
from keras_gans.models.stylegan2 import StyleGAN2
from keras_gans.models.vae import VAE
from keras_gans.models.vae_gan_3d import VAEGAN3D
from keras_gans.models.vgan import VGAN, VGANPrediction
from keras_gans.models.wgan import WGAN
from keras_gans.models.wgan_gp import WGANGP

SYSTEMS = {
    "gan": GAN,
    "dcgan": DCGAN,
    "cgan": CGAN,
    "cogan": CoGAN,
    "wgan": WGAN,
    "wgan_gp": WGANGP,
    "improved_gan": ImprovedGAN,
    "r1_gan": R1GAN,
    "sagan": SAGAN,
    "progan": ProGAN,
    "biggan": BigGAN,
    "biggan_deep": BigGANDeep,
    "stylegan": StyleGAN,
    "stylegan2": StyleGAN2,
    "anime_gan": AnimeGAN,
    "pix2pix": Pix2Pix,
    "pix2pixhd": Pix2PixHD,
    "cyclegan": CycleGAN,
    "dtn": DTN,
    "srgan": SRGAN,
    "esrgan": ESRGAN,
    "real_esrgan": RealESRGAN,
    "age_cgan": AgeCGAN,
    "anogan": AnoGAN,
    "f_anogan": FAnoGAN,
    "adain": AdaIN,
    "radial_gan": RadialGAN,
    "stackgan": StackGAN,
    "stackgan_v2": StackGANv2,
    "stackgan_v2_unconditional": StackGANv2Unconditional,
    "detector": Detector,
    "perceptual_gan": PerceptualGAN,
    "a_fast_rcnn": AFastRCNN,
    "gan_3d": GAN3D,
    "vae_gan_3d": VAEGAN3D,
    "gan_cls": GANCLS,
    "vgan": VGAN,
    "vgan_prediction": VGANPrediction,
    "vae": VAE,
    "pixel_cnn": PixelCNN,
    "row_lstm": RowLSTM,
    "diagonal_bilstm": DiagonalBiLSTM,
}

__all__ = [
    "CGAN",
    "DCGAN",
    "DTN",
    "ESRGAN",
    "GAN",
    "GAN3D",
    "GANCLS",
    "R1GAN",
    "SAGAN",
    "SRGAN",
    "VAE",
    "VAEGAN3D",
    "VGAN",
    "VGANPrediction",
    "WGAN",
    "WGANGP",
    "AFastRCNN",
    "AdaIN",
    "AgeCGAN",
    "AnimeGAN",
    "AnoGAN",
    "BigGAN",
    "BigGANDeep",
    "CoGAN",
    "CycleGAN",
    "Detector",
    "DiagonalBiLSTM",
    "FAnoGAN",
    "ImprovedGAN",
    "NeuralStyle",
    "PerceptualGAN",
    "Pix2Pix",
    "Pix2PixHD",
    "PixelCNN",
    "ProGAN",
    "RadialGAN",
    "RealESRGAN",
    "RowLSTM",
    "StackGAN",
    "StackGANv2",
    "StackGANv2Unconditional",
    "StyleGAN",
    "StyleGAN2",
    "get_system",
    "list_systems",
]


def list_systems():
    """Names of all systems, as the command line and the recipes spell them."""
    return tuple(SYSTEMS)


def get_system(name):
    """The class of a system.

    Args:
        name: As in `list_systems()`, or the class's own name; case does not matter.

    Raises:
        ValueError: for an unknown name.
    """
    by_name = {key.replace("_", ""): system for key, system in SYSTEMS.items()}
    plain = str(name).lower().replace("_", "").replace("-", "")
    if plain not in by_name:
        raise ValueError(
            f"There is no system called {name!r}. Known: {', '.join(list_systems())}."
        )
    return by_name[plain]
