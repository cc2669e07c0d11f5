"""Work done ahead by threads, for a consumer that must not wait for it; its order stays."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    most: int,
    threads: int = 1,
    begin: Callable[[], object] | None = None,
) -> Generator[Result, None, None]:
    """Yield ``function(item)`` of each item, in order, while ``threads`` are at work on the next.

    At most ``most`` results wait or are under way beyond the one that is yielded. Each thread
    calls ``begin`` first. What ``function`` raises is raised where its result is due. A consumer
    that stops early, closes the generator: what has not begun then never does. Without threads each
    item's turn comes when its result is asked for.
    """
    if not threads:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(threads, initializer=begin)
    under_way: deque[Future] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(function, item))
            if len(under_way) > most:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
