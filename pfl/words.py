"""Words that CLIP's tokenizer knows, to replace class names in training and to write captions."""

from functools import cache

import open_clip


@cache
def known_words() -> tuple[str, ...]:
    """Lower-case words of at least four letters that are one token for CLIP's tokenizer, most frequent first."""
    tokens = (token.removesuffix("</w>") for token in open_clip.tokenizer.SimpleTokenizer().encoder if "</w>" in token)
    return tuple(word for word in tokens if word.isascii() and word.isalpha() and len(word) > 3)
