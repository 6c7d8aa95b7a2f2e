"""`gateway mou schema`: the JSON Schema that lets an editor complete and explain the words of an agreement."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import configuration_for
from gateway.cli.run import Directory, out, run, write
from gateway.policy.schema import agreement_schema


def schema(
    directory: Directory = Path(),
    file: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it.", show_default="standard output")
    ] = None,
) -> None:
    """Write the JSON Schema of an agreement, with the exchanges of this deployment.

    With [bold]# yaml-language-server: $schema=mou.schema.json[/] as an agreement's first line, editors that speak YAML
    (VS Code with the Red Hat extension, vim, Emacs, JetBrains) complete field names and show what each key means.
    """
    configured = run(configuration_for(directory))
    text = json.dumps(agreement_schema(configured.registry), indent=1) + "\n"
    if file is None:
        sys.stdout.write(text)
        return
    write(file, text)
    out.print(f"{file} is written; name it in an agreement's first line: # yaml-language-server: $schema={file.name}")
