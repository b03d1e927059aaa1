"""The fifteen data sets of the paper by name."""

from .industrial import INDUSTRIAL
from .medical import MEDICAL
from .spec import Spec

SPECS = {one.name: one for one in (*INDUSTRIAL, *MEDICAL)}


def spec(name: str) -> Spec:
    """The data set of a name, whatever its case and hyphens: "mvtec", "MVTec-AD", "CVC-ColonDB"."""
    for one in SPECS.values():
        if one.is_called(name):
            return one
    raise ValueError(f"{name!r} is none of {', '.join(SPECS)}; besides these load() knows workshop, elpv and textile")
