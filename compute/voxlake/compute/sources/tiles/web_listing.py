"""What a web server says is in a folder: links of an HTML index, as of Apache, nginx and Python."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit


def parse_listing(page: str, address: str) -> dict[str, str]:
    """Return the names of the files in a folder, each with the text of its row.

    Of all links only those count that lead into the folder itself: none above, below or elsewhere,
    and none with a query, as Apache's are by which rows are sorted.

    Parameters
    ----------
    page
        HTML.
    address
        Of the folder; ends with ``/``.

    Examples
    --------
    >>> parse_listing('<a href="../">..</a><a href="s%201.png">s 1.png</a> 9 kB', "http://h/em/")
    {'s 1.png': 's 1.png 9 kB'}
    """
    links = _Links(address)
    links.feed(page)
    links.close()
    found: dict[str, str] = {}
    for link, text in links.rows:
        name = _name(link, address)
        if name:
            found[name] = f"{found.get(name, '')} {' '.join(text.split())}".strip()
    return found


def _name(link: str, address: str) -> str:
    """Return the name of the file in the folder that a link leads to; empty of any other link."""
    try:
        folder, there = urlsplit(address), urlsplit(link)
    except ValueError:
        return ""
    if (there.scheme, there.netloc) != (folder.scheme, folder.netloc) or there.query:
        return ""
    above, path = unquote(folder.path), unquote(there.path)
    name = path.removeprefix(above)
    is_inside = path.startswith(above) and "/" not in name and name.isprintable()
    return name if is_inside else ""


class _Links(HTMLParser):
    """The links of a page, each with the text from it to the next."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.base = address
        self.rows: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the address of a link, or that which links are relative to."""
        target = dict(attrs).get("href")
        try:
            link = urljoin(self.base, target) if target else ""
        except ValueError:  # no address, so it leads nowhere
            return
        if tag == "base" and link:
            self.base = link
        elif tag == "a" and link:
            self.rows.append((link, ""))

    def handle_data(self, data: str) -> None:
        """Take the text of the last link, and behind it."""
        if self.rows:
            link, text = self.rows[-1]
            self.rows[-1] = (link, text + data)
