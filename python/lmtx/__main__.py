"""python -m lmtx is the command lmtx."""

from .cli import app

app()
