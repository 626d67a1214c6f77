"""An application reached without a socket, by clients that do not wait for each other: a route may ask the application itself."""

from __future__ import annotations

import asyncio

import httpx

HERE, ELSEWHERE = ("127.0.0.1", 50000), ("192.0.2.7", 50000)


class InProcess(httpx.BaseTransport):
    """client: the address that requests seem to come from."""

    def __init__(self, app, client=HERE):
        self.transport = httpx.ASGITransport(app, client=client)

    def handle_request(self, request):
        content = request.read()

        async def answered():
            asked = httpx.Request(request.method, request.url, headers=request.headers, content=content)
            response = await self.transport.handle_async_request(asked)
            return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

        return asyncio.run(answered())


def browser(app, origin, client=HERE):
    """Keeps cookies, follows nothing by itself."""
    return httpx.Client(transport=InProcess(app, client), base_url=origin, follow_redirects=False)
