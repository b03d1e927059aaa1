"""The fifteen data sets of the paper by name."""

from .industrial import INDUSTRIAL
from .medical import MEDICAL
from .spec import Spec

SPECS = {one.name: one for one in (*INDUSTRIAL, *MEDICAL)}


def spec(name: str) -> Spec:
    """The data set with a name, ignoring case and hyphens: "mvtec", "MVTec-AD", "CVC-ColonDB"."""
    for one in SPECS.values():
        if one.is_called(name):
            return one
    raise ValueError(f"unknown data set {name!r}: choose {', '.join(SPECS)}, or in load() workshop, elpv or textile")
