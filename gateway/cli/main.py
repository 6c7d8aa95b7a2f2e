"""`gateway`: every command, its groups, and the exit codes 0 ok, 1 findings, 2 usage, 3 unavailable."""

import typer

from gateway import __version__
from gateway.cli import (
    agency,
    alerts,
    audit,
    backup,
    consent,
    deliveries,
    doctor,
    emergency,
    iepd,
    init,
    integrate,
    keys,
    law,
    mou,
    replies,
    report,
    retention,
    send,
    serve,
    user,
    validate,
    witness,
)
from gateway.cli.demo import command as demo
from gateway.cli.run import out

app = typer.Typer(
    name="gateway",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help=(
        "The justice exchange gateway: validates messages, cuts them to what the agreement allows, signs, delivers "
        "and proves it.\n\nFirst steps: [bold]gateway demo[/] shows everything on this machine; [bold]gateway init "
        "DIR[/] makes a deployment; [bold]gateway serve -C DIR[/] runs it; [bold]gateway validate FILE[/] and "
        "[bold]gateway redact FILE --to AGENCY --purpose P[/] try a message of your own without sending it.\n\n"
        "Exit codes: 0 ok, 1 findings or refused, 2 usage, 3 not available, try again."
    ),
)

app.command()(demo.demo)
app.command()(init.init)
app.command()(serve.serve)
app.command()(serve.worker)
app.command()(doctor.doctor)
app.command()(validate.validate)
app.command()(validate.redact)
app.command()(send.send)
app.command()(integrate.integrate)
app.command()(backup.backup)
app.command()(backup.restore)
app.add_typer(iepd.app, name="iepd")
app.add_typer(mou.app, name="mou")
app.add_typer(law.app, name="law")
app.add_typer(agency.app, name="agency")
app.add_typer(user.app, name="user")
app.add_typer(consent.app, name="consent")
app.add_typer(emergency.app, name="emergency")
app.add_typer(keys.app, name="keys")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(replies.app, name="replies")
app.add_typer(audit.app, name="audit")
app.add_typer(witness.app, name="witness")
app.add_typer(report.app, name="report")
app.add_typer(alerts.app, name="alerts")
app.add_typer(retention.app, name="retention")


@app.callback(invoke_without_command=True)
def version(
    show: bool = typer.Option(False, "--version", help="Show the version and end.", is_eager=True),
) -> None:
    """Options before the command."""
    if show:
        out.print(f"gateway {__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
