"""The ITEm encoder as a transformers model: configuration, model, processor and Auto classes."""

from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForPreTraining, AutoProcessor

from itemsearch.model.config import ITEmConfig
from itemsearch.model.encoder import EncoderInput, EncoderOutput, ITEmModel
from itemsearch.model.pretraining import ITEmForPreTraining
from itemsearch.model.processing import ITEmImageProcessor, ITEmProcessor

# Registration is transformers' own way to add a model to its Auto classes. It is cheap.
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
