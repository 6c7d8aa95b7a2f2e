"""`gateway audit troubles|handed`: what was found wrong with the log, and who holds a head of it."""

from tests.cli.deployment import Deployment


def test_where_nothing_was_found_or_handed_out_that_is_said(deployment: Deployment) -> None:
    assert deployment.run("audit", "troubles").stdout == "nothing was ever found wrong\n"
    assert deployment.json("audit", "troubles") == []
    assert deployment.run("audit", "handed").stdout.startswith("nobody was handed a head of the log yet")
    assert (
        deployment.run("consent", "list", "--holder", "harlan-probation").stdout == "no consents of harlan-probation\n"
    )
