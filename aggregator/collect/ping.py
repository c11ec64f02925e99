"""A small POST to a hub, under the same guard and limits as feeds are fetched with.

Feeds are asked for by GET only; this is for telling, and what is answered is not read.
"""

import os
from collections.abc import Mapping

import requests
from urllib3.exceptions import HTTPError as Urllib3Error

from aggregator.collect import wire, wording
from aggregator.collect.guard import Judge, Resolver, anywhere, objection, resolve
from aggregator.collect.http import bundle, taken_apart
from aggregator.errors import FetchError
from aggregator.options import FetchPolicy

_ANSWER_BYTES = 64 * 1024


def post(
    url: str,
    body: bytes,
    content_type: str,
    policy: FetchPolicy,
    *,
    judge: Judge = objection,
    resolver: Resolver = resolve,
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Send `body` and return the status of the answer, redirects included, which are not followed.

    Raises FetchError and its kinds if no answer came. A connection of its own, closed in the end.
    """
    door = wire.Door(anywhere if policy.allow_private_networks else judge, resolver)
    adapter = wire.Adapter(door, wire.tls_context(bundle(environment) if policy.verify else None), 1)
    exchange = wire.Exchange(policy.timeout, _ANSWER_BYTES)
    proxies = {"http": policy.proxy, "https": policy.proxy} if policy.proxy else {}
    with wire.limits(exchange):
        try:
            place = taken_apart(url)
            headers = {
                "User-Agent": policy.user_agent.encode().decode("latin-1"),
                "Content-Type": content_type,
            }
            if place.user:
                headers["Authorization"] = place.user
            request = wire.Request(place, {**headers, "Content-Length": str(len(body))})
            request.method, request.body = "POST", body
            raw = adapter.send(request, stream=True, timeout=policy.timeout, proxies=proxies).raw
            raw.close()
            return int(raw.status)
        except (FetchError, requests.RequestException, Urllib3Error, OSError, ValueError) as error:
            raise wording.explain(exchange.cause(error), url) from error
        finally:
            adapter.close()
