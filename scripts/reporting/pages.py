"""What all pages share: how their templates are filled, and their style."""

from pathlib import Path

import jinja2
from markupsafe import Markup

from files.text_file import read_text

TEMPLATES = Path(__file__).parent / "templates"


def template(name: str) -> jinja2.Template:
    """Return a template, which escapes what is put into it; a name without a value is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def style() -> Markup:
    """Return the style sheet of all pages: dark and light, for screens and paper."""
    return Markup(read_text(TEMPLATES / "report.css"))
