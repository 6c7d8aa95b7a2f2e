"""Pages: where the templates of all HTML files of the gateway come from."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

pages = Environment(
    loader=PackageLoader("gateway.report"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
