"""The default that ships, on images that it was not trained on."""

import torch

import pfl


def test_the_default_ranks_images_alike_whatever_they_are_called():
    """Also by nouns that the tiny CLIP learned from drawings, by a defect, and by a word of no caption ("zebra")."""
    model, data = pfl.load("default"), pfl.data.load("photographs")
    model.clip.memory = {}  # each image is encoded once for all names
    data = data.subset(keep=set(data.samples[::24]).__contains__)
    pixels = next(iter(pfl.data.loader(data, model.clip.image_size, len(data)))).images
    scores = [
        model.predict(pixels, name, num_samples=2).text_score
        for name in ("object", "steel surface", "wood", "sticker", "hole", "zebra")
    ]
    assert torch.corrcoef(torch.stack(scores)).min() > 0.95
