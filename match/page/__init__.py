"""The inspection page. Read `written.py: write_page` first (one file), then `server.py` (live queries); both show what
`documents/` answers, by the app in `app/`. Every text of a catalog is text to them, since a catalog may come from anyone.
"""

from match.page.server import application
from match.page.site import Reading
from match.page.written import write_page

__all__ = ["Reading", "application", "write_page"]
