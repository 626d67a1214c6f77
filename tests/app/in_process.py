"""An application reached without a socket, by clients that do not wait for each other: a route may ask the application itself."""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import functools
import threading

import httpx

HERE, ELSEWHERE = ("127.0.0.1", 50000), ("192.0.2.7", 50000)


class InProcess(httpx.BaseTransport):
    """client: the address that requests seem to come from."""

    def __init__(self, app, client=HERE):
        self.transport = httpx.ASGITransport(app, client=client)

    def handle_request(self, request):
        sent = request.read()

        async def answered():
            asked = httpx.Request(request.method, request.url, headers=request.headers, content=sent)
            response = await self.transport.handle_async_request(asked)
            content = await response.aread()
            for left in asyncio.all_tasks() - {asyncio.current_task()}:
                left.cancel()
            return httpx.Response(response.status_code, headers=response.headers, content=content)

        if threading.current_thread() is not threading.main_thread():
            return asyncio.run(answered())
        return _runner().run(answered(), context=contextvars.copy_context())


@functools.cache
def _runner():
    """The main thread's event loop: to make one for each request took half as long as the answers."""
    runner = asyncio.Runner()
    atexit.register(runner.close)
    return runner


def browser(app, origin, client=HERE):
    """Keeps cookies, follows nothing by itself."""
    return httpx.Client(transport=InProcess(app, client), base_url=origin, follow_redirects=False)
