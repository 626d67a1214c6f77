"""Pages from templates, in the reader's language."""

from __future__ import annotations

from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from starlette.datastructures import QueryParams

from marque.alliance import rich_text
from marque.app.words import LANGUAGES, Words, choose_language, words_of

_COOKIE = "language"
_YEAR_S = 31_536_000


def reader(request: Request) -> Words:
    """The words of the language asked for, remembered, or accepted."""
    accepted = request.headers.get("accept-language", "")
    return words_of(choose_language(request.query_params.get("lang"), request.cookies.get(_COOKIE), accepted))


def render(request: Request, template: str, context: dict[str, Any], status: int = 200) -> HTMLResponse:
    """A page. `words` and `here` are there unless the context has its own."""
    around = {
        "words": reader(request),
        "here": "",
        "languages": _language_links(request),
        "console": hasattr(request.app.state, "platform"),
        "city": request.app.state.city,
        "campaign": request.app.state.campaign,
    }
    response = _templates.TemplateResponse(request, template, around | context, status)
    response.headers["Vary"] = "Accept-Language, Cookie"
    if (wanted := request.query_params.get("lang")) in LANGUAGES:
        response.set_cookie(_COOKIE, str(wanted), max_age=_YEAR_S, samesite="lax", httponly=True)
    return response


def text_of(template: str, context: dict[str, Any]) -> str:
    """A page for nobody in particular, as a file holds it; the context has its words."""
    return _templates.get_template(template).render(context)


def day(instant: date) -> str:
    """YYYY-MM-DD, of a day or an instant; `strftime` leaves out the noughts of years before 1000."""
    return instant.isoformat()[:10]


def minute(instant: datetime) -> str:
    """YYYY-MM-DD HH:MM, in the zone the instant has."""
    return instant.isoformat(" ", "minutes")[:16]


def _language_links(request: Request) -> list[tuple[Words, str]]:
    """Each language and the address of this very page in it."""
    page, query = "", request.query_params
    if request.method != "GET":  # A form that was not taken: its own address cannot be visited, the page it was on can.
        came_from = urlsplit(request.headers.get("referer", ""))
        page, query = (came_from.path or "/") if came_from.netloc == request.url.netloc else "/console", QueryParams(came_from.query)
    rest = [(key, value) for key, value in query.multi_items() if key != "lang"]
    return [(words_of(language), f"{page}?{urlencode([*rest, ('lang', language)])}") for language in LANGUAGES]


_templates = Jinja2Templates(Path(str(resources.files("marque.app"))) / "templates")
_templates.env.filters |= {"plain": rich_text.plain, "editable": rich_text.editable, "day": day, "minute": minute}
