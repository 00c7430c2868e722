"""A browser without a screen: it keeps cookies, follows redirects, and sends the forms of pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx2
from tests.servers.nanoidp import USERS


@dataclass(slots=True)
class Form:
    """A form of a page."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self._href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        elif tag in {"input", "button"} and self.forms and given.get("name"):
            self.forms[-1].fields.setdefault(given["name"], given.get("value", ""))
        elif tag == "a":
            self._href = given.get("href", "")

    def handle_data(self, data: str) -> None:
        if self._href:
            self.links[data.strip()] = self._href
            self._href = ""


class Browser(httpx2.Client):
    """Somebody's browser."""

    def __init__(self, **options: Any) -> None:
        super().__init__(follow_redirects=True, timeout=30, **options)

    def send_form(self, page: httpx2.Response, **filled: str) -> httpx2.Response:
        """Send a form of a page with what is filled in, and return the page it leads to.

        It is the first that changes something.
        """
        form = next(each for each in _read(page).forms if each.method.upper() == "POST")
        fields = form.fields | {name: text for name, text in filled.items() if name in form.fields}
        return self.ask(form.method.upper(), page.url.join(form.action), page.url, data=fields)

    def ask(
        self, method: str, url: httpx2.URL | str, page: httpx2.URL | str, **options: Any
    ) -> httpx2.Response:
        """Ask for something from a page, as its forms do."""
        site = "same-origin" if _origin(url) == _origin(page) else "cross-site"
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        return self.request(method, url, headers=headers, **options)

    def click(self, page: httpx2.Response, text: str) -> httpx2.Response:
        """Follow the link of a page that has a text."""
        links = _read(page).links
        [href] = [href for words, href in links.items() if text in words]
        return self.get(page.url.join(href))

    def sign_in(self, gateway: str, name: str, target: str = "/") -> httpx2.Response:
        """Sign in at a gateway's issuer, and return the page that this ends on."""
        page = self.get(f"{gateway}/login", params={"next": target})
        while not str(page.url).startswith(gateway):
            assert page.status_code == 200, page.text
            page = self.send_form(page, **credentials(name))
        return page


def credentials(name: str) -> dict[str, str]:
    """Return what the pages of both issuers ask of a user of nanoidp, or of the same groups."""
    groups = (*USERS[name]["groups"], *USERS[name]["roles"])
    login = "+".join((name, *groups))
    return {"login": login, "username": name, "password": name, "action": "authorize"}


def session_of(browser: Browser) -> str:
    """Return the secret of a browser's session."""
    [value] = [each.value for each in browser.cookies.jar if "voxlake-session" in each.name]
    assert value is not None
    return value


def begin(browser: Browser, gateway: str, target: str = "/") -> httpx2.Response:
    """Begin to sign in and return the answer that leads to the issuer."""
    query = {"next": target}
    answer = browser.get(f"{gateway}/login", params=query, follow_redirects=False)
    assert answer.status_code == 303
    return answer


def stop_before_the_end(browser: Browser, page: httpx2.Response, name: str) -> str:
    """Sign in at the issuer and return the address that leads back, without going there."""
    browser.follow_redirects = False
    issuer = urlsplit(page.headers["location"]).netloc
    while True:
        if page.is_redirect:
            address = str(page.url.join(page.headers["location"]))
            if "/login/callback" in address and urlsplit(address).netloc != issuer:
                browser.follow_redirects = True
                return address
            page = browser.get(address)
        else:
            page = browser.send_form(page, **credentials(name))


def _origin(url: httpx2.URL | str) -> tuple[str, bytes]:
    parsed = httpx2.URL(url)
    return parsed.scheme, parsed.netloc


def _read(page: httpx2.Response) -> _Forms:
    parser = _Forms()
    parser.feed(page.text)
    return parser
