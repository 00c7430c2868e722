"""Windows of contrast that are asked for."""

from __future__ import annotations

import pytest

from voxlake.api.formats.window import parse_window
from voxlake.platform.errors import InvalidInputError

NO_WINDOWS = """
1|1:|1:1|a:b|1:2:3|nan:1|0:inf|0:1e301|0x1:2|1_0:2|\u0661:9|1 :2|0:99999999999999999999999999999999
"""


@pytest.mark.parametrize("text", ["", *NO_WINDOWS.strip("\n").split("|")])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="no window"):
        parse_window(text)
