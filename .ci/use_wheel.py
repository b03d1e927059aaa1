"""Use the installed package outside its checkout: load the default and predict."""

import sysconfig
from pathlib import Path

import torch

import pfl

installed = Path(sysconfig.get_path("purelib"))
assert Path(pfl.__file__).is_relative_to(installed), f"{pfl.__file__} is not the wheel's"
model = pfl.load("default")
images = torch.rand(2, 3, model.clip.image_size, model.clip.image_size, generator=torch.Generator().manual_seed(0))
prediction = model.predict(images, "metal plate", num_samples=2)
assert prediction.map.shape == images[:, 0].shape and prediction.score.isfinite().all()
print(f"the wheel works: {pfl.__file__}, scores {prediction.score.tolist()}")
