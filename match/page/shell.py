"""The HTML around the app, with a policy under which the browser runs nothing and asks nobody but what the page itself brings."""

import base64
import hashlib
from html import escape

LOCKED = "default-src 'none'; base-uri 'none'; form-action 'none'"
SERVED_POLICY = f"{LOCKED}; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'"

_SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}
<title>Artwork matches</title>
</head>
<body>
<noscript>This page needs JavaScript, which runs in your browser alone and asks no other host for anything.</noscript>
<div id="app"></div>
{tail}
</body>
</html>
"""


def served_shell() -> str:
    """Script and style come from the server."""
    return _SHELL.format(head='<link rel="stylesheet" href="app.css">', tail='<script src="app.js"></script>')


def written_shell(script: str, style: str, blocks: dict[str, str]) -> str:
    """All in one file; blocks: id to base64, which the script reads."""
    policy = f"{LOCKED}; script-src {_digest(script)}; style-src {_digest(style)}; img-src data:"
    head = f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n<style>{style}</style>'
    data = "\n".join(f'<script type="text/plain" id="{name}">{text}</script>' for name, text in blocks.items())
    return _SHELL.format(head=head, tail=f"{data}\n<script>{script}</script>")


def _digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") + "'"
