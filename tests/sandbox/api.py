"""A client for one request at a time, straight into the application."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.sandbox.app import create_app
from reconciler.sandbox.identity import CLIENT_ID, LOGIN_COMPANY, MEMBERS, PARTNER_CLIENT, PARTNER_ID

if TYPE_CHECKING:
    from reconciler.sandbox.identity import SophosClient
    from reconciler.sandbox.world import World

BASE = "http://sandbox.example"
ROOT = "/v4_6_release/apis/3.0"


def signature(member: str = "readwrite") -> dict[str, str]:
    who = MEMBERS[member]
    text = f"{LOGIN_COMPANY}+{who.public_key}:{who.private_key}"
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode(), "clientId": CLIENT_ID}


class Api:
    """Both systems over one world. ConnectWise paths are below `apis/3.0`, Sophos paths are whole."""

    def __init__(self, world: World, member: str = "readwrite", /, **options: Any) -> None:
        self.world = world
        self.member = member
        self.app = create_app(world, **options)
        self.token = ""

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url=BASE, trust_env=False) as client:
                return await client.request(method, path, **options)

        return asyncio.run(once())

    def connectwise(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {**signature(self.member), **options.pop("headers", {})}
        return self.send(method, f"{ROOT}/{path}", headers=headers, **options)

    def get(self, path: str, /, headers: Any = None, **params: Any) -> httpx.Response:
        return self.connectwise("GET", path, params=params, headers=headers or {})

    def post(self, path: str, body: Any) -> httpx.Response:
        return self.connectwise("POST", path, json=body)

    def patch(self, path: str, *operations: tuple[Any, ...]) -> httpx.Response:
        body = [dict(zip(("op", "path", "value"), entry, strict=False)) for entry in operations]
        return self.connectwise("PATCH", path, json=body)

    def sign_in(self, client: SophosClient = PARTNER_CLIENT, /, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "scope": "token",
            "client_id": client.client_id,
            "client_secret": client.secret,
            **changes,
        }
        answer = self.send("POST", "/api/v2/oauth2/token", data=form)
        self.token = answer.json().get("access_token", "")
        return answer

    def sophos(self, path: str, /, headers: Any = None, **params: Any) -> httpx.Response:
        if not self.token:
            self.sign_in()
        sent = (
            {"Authorization": f"Bearer {self.token}", "X-Partner-ID": PARTNER_ID}
            if headers is None
            else headers
        )
        return self.send("GET", path, headers=sent, params=params)


def item_body(**changes: Any) -> dict[str, Any]:
    """A body that POST /procurement/catalog accepts."""
    body: dict[str, Any] = {
        "identifier": "NEW-ITEM",
        "description": "A new item",
        "customerDescription": "A new item, per month",
        "subcategory": {"id": 1},
        "type": {"id": 1},
    }
    return {key: value for key, value in {**body, **changes}.items() if value is not None}
