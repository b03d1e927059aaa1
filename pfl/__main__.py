"""`python -m pfl`, so that torchrun can start the command line in several processes."""

from .cli import main

raise SystemExit(main())
