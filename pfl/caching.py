"""Tensors that depend on sizes or names alone, kept between passes."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar, cast

import torch

Function = TypeVar("Function", bound=Callable)


def cached(maxsize: int) -> Callable[[Function], Function]:
    """Decorator: keep what a function returns for the last `maxsize` arguments.

    What is kept during prediction works in training, too. A graph that is being exported calls the function itself: its
    sizes are symbols, and its tensors have no values.
    """

    def decorate(function: Function) -> Function:
        kept = lru_cache(maxsize)(torch.inference_mode(False)(function))

        @wraps(function)
        def call(*arguments):
            return (function if torch.compiler.is_compiling() else kept)(*arguments)

        call.cache_clear = kept.cache_clear  # type: ignore[attr-defined]
        return cast(Function, call)

    return decorate
