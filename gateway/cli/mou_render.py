"""`gateway mou render`: the paper to sign."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.app import configuration_for
from gateway.cli.mou_lint import read
from gateway.cli.run import EXIT_FINDINGS, Directory, out, run, show, write
from gateway.policy.paper_html import render as render_html


def render(
    file: Annotated[Path, typer.Argument(help="The agreement, a YAML file.", exists=True, dir_okay=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write it.", show_default="the agreement's name with .html"),
    ] = None,
    directory: Directory = Path(),
) -> None:
    """Write an agreement as a page to print and sign, in plain words.

    Every part is marked as enforced here, attested by the partner, or on paper only. The page is one file: no scripts,
    nothing fetched. Print it from any browser; the digest on it is the one the gateway enforces.
    """
    configured = run(configuration_for(directory))
    linted = read(file, configured)
    if linted.mou is None:
        show(linted.findings)
        raise typer.Exit(EXIT_FINDINGS)
    target = output or file.with_suffix(".html")
    page = render_html(linted.mou, {iepd.id: iepd for iepd in configured.registry}, configured.agencies)
    write(target, page)
    out.print(f"{target} is written: {linted.mou.id} version {linted.mou.version}, digest {linted.mou.digest}")
