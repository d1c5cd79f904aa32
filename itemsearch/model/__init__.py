"""The ITEm encoder, in the ways of transformers: config, model, processor, Auto classes."""

from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForPreTraining, AutoProcessor

from itemsearch.model.config import ITEmConfig
from itemsearch.model.encoder import EncoderInput, EncoderOutput, ITEmModel
from itemsearch.model.pretraining import ITEmForPreTraining
from itemsearch.model.processing import ITEmImageProcessor, ITEmProcessor

# transformers' own way to make its Auto classes know a model: cheap, and only where torch is loaded anyway.
AutoConfig.register("item", ITEmConfig)
AutoModel.register(ITEmConfig, ITEmModel)
AutoModelForPreTraining.register(ITEmConfig, ITEmForPreTraining)
AutoImageProcessor.register(ITEmConfig, slow_image_processor_class=ITEmImageProcessor)
AutoProcessor.register(ITEmConfig, ITEmProcessor)

__all__ = [
    "EncoderInput",
    "EncoderOutput",
    "ITEmConfig",
    "ITEmForPreTraining",
    "ITEmImageProcessor",
    "ITEmModel",
    "ITEmProcessor",
]
