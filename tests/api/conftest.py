import asyncio
import sys
from collections.abc import Callable, Mapping

import pytest

ON_EVERY_LOOP = ("test_connection.py", "test_tls.py")
"""Their promises are about sockets, which the two event loops drive with code of their own."""


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if item.path.name in ON_EVERY_LOOP and sys.platform != "win32":
        import uvloop

        loops["uvloop"] = uvloop.new_event_loop
    return loops
