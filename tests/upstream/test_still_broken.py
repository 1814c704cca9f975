import pytest

from tests.upstream.still_broken import still_broken


def test_still_broken_says_what_to_remove():
    with (
        pytest.raises(AssertionError, match=r"random:seeded works around \(issue 7\)"),
        still_broken("core.random:seeded", "issue 7"),
        pytest.raises(ValueError, match="defect"),
    ):
        pass
    with pytest.raises(AttributeError), still_broken("core.random:gone"):
        pass
