"""`gateway validate` and `gateway redact`: what a message is worth and what a recipient would see of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import AgencyId
from gateway.app import configuration_for
from gateway.cli.run import EXIT_FINDINGS, AsJson, Directory, answer, as_json, err, fail, out, run, show
from gateway.clock import SystemClock
from gateway.document.parse import parse, to_bytes
from gateway.errors import GatewayError
from gateway.exchange.preview import RouteDoesNotHold, in_words, preview
from gateway.finding import errors
from gateway.iepd.header import find_impossible
from gateway.iepd.header import read as read_header
from gateway.iepd.validate import validate as find
from gateway.policy.explain import reasons

File = Annotated[Path, typer.Argument(help="The message, an XML file.", exists=True, dir_okay=False)]


def validate(file: File, directory: Directory = Path(), json: AsJson = False) -> None:
    """Check a message against its exchange: schema, references, rules. Exit 1 when it would be refused.

    In a deployment's folder the exchanges of that deployment are used, elsewhere the ones that come with the gateway.
    """
    configured = run(configuration_for(directory))
    try:
        document = parse(file.read_bytes())
        iepd = configured.registry.find(document)
    except GatewayError as error:
        if json:
            answer({"file": str(file), "valid": False, "code": error.code, "findings": []})
            raise typer.Exit(EXIT_FINDINGS) from None
        fail(error)
    findings = find(document, iepd)
    if not errors(findings):
        header = read_header(document, iepd)
        findings += find_impossible(document, iepd, header, now=SystemClock().now())
    refused = bool(errors(findings))
    if json:
        answer(
            {
                "file": str(file),
                "exchange": iepd.id,
                "valid": not refused,
                "findings": [as_json(finding) for finding in findings],
            }
        )
    else:
        show(findings)
        verdict = f"[red]not valid[/], {len(findings)} findings" if refused else "[green]valid[/]"
        out.print(f"{file.name}: {iepd.id} ({iepd.title}): {verdict}")
    raise typer.Exit(EXIT_FINDINGS if refused else 0)


def redact(
    file: File,
    to: Annotated[str, typer.Option("--to", help="The agency that would receive it.")],
    purpose: Annotated[str, typer.Option("--purpose", help="Why it would be sent; must be the clause's purpose.")],
    role: Annotated[str, typer.Option("--role", help="Who at the recipient would see it.")] = "",
    sender: Annotated[str, typer.Option("--from", help="The sending agency, when several could send it.")] = "",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the cut message here.")] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Show what one recipient would get of a message: the cut message, and why each place is kept, reduced or gone.

    Nothing is stored and nothing leaves. Exit 1 when the recipient would get nothing.
    """
    configured = run(configuration_for(directory))
    try:
        result = preview(
            configured,
            file.read_bytes(),
            to=AgencyId(to),
            purpose=purpose,
            role=role,
            sender=AgencyId(sender) if sender else None,
            now=SystemClock().now(),
        )
    except GatewayError as error:
        if json:
            answer(
                {"file": str(file), "to": to, "released": False, "code": error.code, "text": error.text, **_why(error)}
            )
            raise typer.Exit(EXIT_FINDINGS) from None
        fail(error)
    text = to_bytes(result.cut.document)
    grant = result.grant
    because = reasons(grant.clause, configured.iepds[grant.clause.exchange].catalog, result.cut.redactions)
    if output is not None:
        output.write_bytes(text)
    if json:
        answer(
            {
                "file": str(file),
                "to": to,
                "released": True,
                "mou": f"{grant.mou.id}@{grant.mou.version}",
                "clause": grant.clause.id,
                "shared": result.cut.shared,
                "redactions": [
                    {
                        "path": each.path,
                        "field": each.field,
                        "label": each.label,
                        "outcome": each.outcome,
                        "clause": each.clause,
                        "because": reason,
                    }
                    for each, reason in zip(result.cut.redactions, because, strict=True)
                ],
                "payload": text.decode(),
            }
        )
        return
    if output is None:
        out.print(text.decode(), markup=False)
    for each, reason in zip(result.cut.redactions, because, strict=True):
        color = "red" if each.outcome == "withheld" else "yellow"
        err.print(f"[{color}]{each.outcome:>10}[/] {each.label:<28} {each.clause:<18} {escape(each.path)}")
        if reason:
            err.print(f"{'because':>14} {reason}", markup=False)
    err.print(
        f"{to} gets {result.cut.shared} fields under {grant.mou.id} version {grant.mou.version}, "
        f"clause {grant.clause.id}; {len(result.cut.redactions)} places are withheld or reduced"
    )


def _why(error: GatewayError) -> dict[str, object]:
    """For a machine: which fact of which clause is wanted to be what."""
    if not isinstance(error, RouteDoesNotHold):
        return {}
    return {
        "unmet": [
            {
                "mou": f"{each.mou.id}@{each.mou.version}",
                "clause": each.clause.id,
                "fact": each.condition.fact,
                "wanted": [in_words(value) for value in each.condition.values],
            }
            for each in error.unmet
        ]
    }
