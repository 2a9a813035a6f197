"""pyarrow for programs that only read and write tables."""

from __future__ import annotations

import sys
import types
import warnings


def leave_pandas_out() -> None:
    """Have pyarrow make tables without pandas, which it would load at the first list that it meets.

    Loading pandas takes longer than all tables of a short video. pyarrow looks for it once, and finds one here that is
    too old for it; ``to_pandas`` looks again and works as ever. For whole programs: afterwards pyarrow does not know a
    ``pandas.Series`` when it is given one, which a caller of the library might do.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    too_old = types.ModuleType("pandas")
    too_old.__dict__["__version__"] = "0"
    sys.modules["pandas"] = too_old
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that it is too old
            pa.array([0])
    finally:
        del sys.modules["pandas"]
