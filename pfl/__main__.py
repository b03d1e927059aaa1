"""Entry point of `python -m pfl`, which torchrun needs to start several processes."""

from .cli import main

raise SystemExit(main())
