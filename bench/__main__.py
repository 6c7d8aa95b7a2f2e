"""`python -m bench`: measure the rows of the design's table of numbers that exist now, and say which are met."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping

from rich.console import Console

from bench import table
from bench.accepting import accepting, starting, with_postgres, with_signed_sender, with_tls
from bench.answering import answering
from bench.auditing import auditing, verifying
from bench.deciding import cutting, deciding
from bench.delivering import delivering, growing
from bench.large_log import proving_one
from bench.proving import proving
from bench.refusing import refusing
from bench.run import Run, new_run
from bench.signatures import verifying_signatures
from bench.table import Row

LATER = (
    Row(
        name="attachment",
        what="100 MB attachment by its own route",
        unit="MB",
        first=64,
        goal=32,
        least=False,
        note="attachments do not exist yet",
    ),
)

MEASURES: Mapping[str, Callable[[Run], list[Row]]] = {
    "accept": accepting,
    "deliver": delivering,
    "start": starting,
    "decision": deciding,
    "cut": cutting,
    "mou-check": proving,
    "audit": auditing,
    "verify": verifying,
    "signatures": verifying_signatures,
    "refusal": refusing,
    "log-proof": proving_one,
    "answers": answering,
    "tls": with_tls,
    "signed": with_signed_sender,
    "postgres": with_postgres,
    "memory": growing,
    "later": lambda _: list(LATER),
}

NOT_QUICK = frozenset({"answers", "refusal", "tls", "signed", "postgres", "memory"})
"""Left out of a quick run unless asked for."""


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").strip())
    parser.add_argument("--quick", action="store_true", help="shorter and rougher: about a minute")
    parser.add_argument("--rows", metavar="NAMES", help=f"only these, joined by commas: {', '.join(MEASURES)}")
    parser.add_argument("--json", action="store_true", help="the rows as JSON on standard output")
    given = parser.parse_args(words)
    given.names = given.rows.split(",") if given.rows else [n for n in MEASURES if not (given.quick and n in NOT_QUICK)]
    if unknown := sorted(set(given.names) - set(MEASURES)):
        parser.error(f"no such rows: {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    return given


def main(words: list[str] | None = None) -> int:
    """Measure and tell. Numbers do not fail a run: machines differ, and people judge."""
    given = arguments(words)
    told, told_on = Console(), Console(stderr=True)
    rows: list[Row] = []
    with new_run(quick=given.quick) as run:
        for name in given.names:
            begun = time.monotonic()
            with told_on.status(f"measuring: {name}"):
                rows += MEASURES[name](run)
            told_on.print(f"[dim]{name}: {time.monotonic() - begun:.0f} s[/]")
    if given.json:
        json.dump({"rows": table.data(rows)}, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        table.show(rows, told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
