"""How often who may ask: per customer, per API key, per shop. Counted in Redis where one is set, else in this process.

Counting is the `limits` library's, in fixed windows of a minute that begin with the first request. A moving window
remembers every request of the last minute; these limits keep one caller from taking the service from the others, and
for that two minutes' worth at the seam of two windows does no harm. docs/decisions/0012-rate-limits.md has the figures.

In Redis a process takes a hundredth of a limit at a time and spends it without asking again. Losing Redis costs
accuracy, never an answer: the process counts for itself until Redis is back. What protects money is not here: it is
counted in the database."""

import hashlib
import math
import threading
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from contracts.errors import ErrorCode
from kit.clock import SystemClock
from kit.problems import Problem
from router.edge import Caller
from router.operations import Audience
from router.vendors.rules import RateLimits, Vendor
from router.vendors.windows import Windows

REDIS_TIMEOUT_S = 0.05
"""For connecting, and for an answer. More would make Redis, when it is lost, slower than being without it."""

_WINDOW_S = 60
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_PORTIONS = 100
_MANY_KEYS = 50_000

_log = structlog.get_logger()

_system = SystemClock()  # windows are counted by the machine's own clock, whatever the shop's clock says


@dataclass(frozen=True, slots=True)
class _Count:
    """One thing that is counted."""

    limit: str
    whose: str
    per_minute: int
    says: str


class RateLimiter:
    """Thread-safe. `redis_url` None counts in this process alone."""

    def __init__(self, redis_url: str | None, *, redis_timeout_s: float = REDIS_TIMEOUT_S) -> None:
        self._own = FixedWindowRateLimiter(Windows())
        self._shared = None if redis_url is None else _Shared(redis_url, redis_timeout_s)

    def check(self, caller: Caller, vendor: Vendor | None, customer: str | None) -> None:
        """Count this request. Raises Problem 429 too_many_requests; `limit` names what was reached.

        The narrowest is counted first, so that what one customer is refused is not taken from the shop."""
        for count in _counts(caller, vendor, customer):
            wait_s = self._hit(count)
            if wait_s is not None:
                detail = f"{count.says}: at most {count.per_minute} requests a minute; try again in {wait_s} s"
                raise Problem(
                    429,
                    ErrorCode.TOO_MANY_REQUESTS,
                    detail,
                    retry_after_s=wait_s,
                    limit=count.limit,
                    per_minute=count.per_minute,
                )

    def _hit(self, count: _Count) -> int | None:
        """None: go ahead. Else how many seconds to wait."""
        if self._shared is not None and self._shared.is_worth_asking():
            try:
                return self._shared.hit(count)
            except StorageError as error:
                self._shared.lost(error)
        item = _item(count.per_minute)
        if self._own.hit(item, count.limit, count.whose):
            return None
        return _seconds_left(self._own, item, count)


class _Shared:
    """Counts in Redis, and whether Redis is worth asking at the moment."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._limiter = FixedWindowRateLimiter(_redis_storage(url, timeout_s))
        self._lock = threading.Lock()
        self._portions: dict[tuple[str, str], _Portion] = {}
        self._pause_s = 0.0
        self._ask_again_s = 0.0
        self._lost_s = 0.0

    def is_worth_asking(self) -> bool:
        """False while Redis is lost, but for one request now and then that tries it."""
        if self._pause_s == 0.0:
            return True
        with self._lock:
            now_s = monotonic()
            if now_s < self._ask_again_s:
                return False
            self._ask_again_s = now_s + self._pause_s
            return True

    def lost(self, error: StorageError) -> None:
        with self._lock:
            now_s = monotonic()
            is_new = self._pause_s == 0.0
            if not is_new and now_s < self._lost_s + self._pause_s / 2:
                return  # a request that was under way when another one lost it
            self._pause_s = _FIRST_PAUSE_S if is_new else min(self._pause_s * 2, _LONGEST_PAUSE_S)
            self._lost_s, self._ask_again_s = now_s, now_s + self._pause_s
            self._portions.clear()
        if is_new:
            why = type(error.storage_error).__name__
            _log.warning("Redis is lost; each process counts requests for itself until it is back", error=why)

    def hit(self, count: _Count) -> int | None:
        """As `RateLimiter._hit`. Raises StorageError."""
        key = (count.limit, count.whose)
        now_s = monotonic()
        with self._lock:
            portion = self._portions.get(key)
            if portion is not None and portion.per_minute == count.per_minute and now_s < portion.until_s:
                if portion.wait_until_s is not None:
                    return max(1, math.ceil(portion.wait_until_s - now_s))
                if portion.left > 0:
                    portion.left -= 1
                    return None
        taken = max(1, count.per_minute // _PORTIONS)
        item = _item(count.per_minute)
        if self._limiter.hit(item, *key, cost=taken):
            self._keep(key, _Portion(count.per_minute, now_s + _WINDOW_S, taken - 1))
            wait_s = None
        else:
            wait_s = _seconds_left(self._limiter, item, count)
            self._keep(key, _Portion(count.per_minute, now_s + wait_s, 0, now_s + wait_s))
        self._found()
        return wait_s

    def _keep(self, key: tuple[str, str], portion: "_Portion") -> None:
        if portion.left == 0 and portion.wait_until_s is None:
            return
        with self._lock:
            if len(self._portions) >= _MANY_KEYS:
                self._portions.clear()
            self._portions[key] = portion

    def _found(self) -> None:
        with self._lock:
            was_lost, self._pause_s = self._pause_s > 0.0, 0.0
        if was_lost:
            _log.info("Redis is back; processes count requests together again")


@dataclass(slots=True)
class _Portion:
    """What this process took of a limit and has not spent; or, with `wait_until_s`, that it is used up until then."""

    per_minute: int
    until_s: float
    left: int
    wait_until_s: float | None = None


def _counts(caller: Caller, vendor: Vendor | None, customer: str | None) -> list[_Count]:
    limits = RateLimits() if vendor is None else vendor.limits
    counts: list[_Count] = []
    if caller.audience is Audience.BOT and vendor is not None:
        if customer is not None:
            whose = _nameless(vendor.id, customer)
            counts.append(_Count("customer", whose, limits.customer_per_minute, "this customer asks for too much"))
        counts.append(_Count("bot", vendor.id, limits.bot_per_minute, "this shop's chats ask for too much"))
    elif caller.audience in (Audience.VENDOR, Audience.OPERATOR) and not caller.is_development:
        counts.append(_Count("key", caller.name, limits.key_per_minute, "this API key is used too often"))
        if caller.audience is Audience.VENDOR and vendor is not None:
            counts.append(_Count("shop", vendor.id, limits.shop_per_minute, "this shop's API keys are used too often"))
    return counts


def _nameless(vendor_id: str, customer: str) -> str:
    """A phone number has no business in Redis."""
    return hashlib.blake2b(f"{vendor_id}\n{customer}".encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=1024)
def _item(per_minute: int) -> RateLimitItem:
    return RateLimitItemPerMinute(per_minute)


def _seconds_left(limiter: FixedWindowRateLimiter, item: RateLimitItem, count: _Count) -> int:
    """Until the window ends, at least 1."""
    ends_at = limiter.get_window_stats(item, count.limit, count.whose).reset_time
    return min(_WINDOW_S, max(1, math.ceil(ends_at - _system.now().timestamp())))


def _redis_storage(url: str, timeout_s: float) -> Storage:
    # Imported where they are used: 50 ms that a start without Redis does not have.
    from limits.storage import RedisStorage  # noqa: PLC0415
    from redis import Redis  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.exceptions import ConnectionError as RedisConnectionError  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    # Once more where a connection was found closed, as all are after Redis was restarted; never after a timeout.
    again = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    client = Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=again)
    return RedisStorage(
        "redis://", connection_pool=client.connection_pool, key_prefix="dukani-limits", wrap_exceptions=True
    )
