"""Each original layout, with its known pitfalls."""

import pytest
from miniatures import HALF, build, seen
from originals import ORIGINALS, add_tables

import pfl.data
import pfl.data.files
from pfl.data import SPECS
from pfl.data.transforms import foreground, read_image


@pytest.mark.parametrize("case", ORIGINALS)
def test_every_sample_of_an_original_layout_is_read(case, tmp_path):
    name, table, words = ORIGINALS[case]
    root = tmp_path / "test images"  # other loaders replace these words anywhere in a path
    expected = build(root, table)
    add_tables(root)
    assert seen(root, name) == expected
    data = pfl.data.load(name, root, split="all")
    assert {sample.category: sample.class_name for sample in data.samples} == words
    assert data.categories == tuple(words)
    assert data.layout == "original"
    assert data.level == (SPECS[name].level if case != "rsdd" else {"pixel"})  # RSDDs has no normal images
    report = pfl.data.check(name, root)  # in a miniature only the counts are wrong
    assert {problem.split(":")[0] for problem in report.problems} - {"missing categories"} == {"wrong count"}
    assert not any(line.startswith("wrong case") for line in report.remarks)
    for sample in data.samples:
        assert read_image(sample.image).size == (16, 12)
        if sample.mask:
            assert (foreground(sample.mask, sample.mask_threshold) == HALF).all()
