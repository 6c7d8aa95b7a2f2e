"""The Fault that an error is, in the words of SOAP and of WS-Addressing."""

from gateway.api.problem import problem_of
from gateway.soap.addressing import Addressing
from gateway.soap.fault import Fault, kind_of, named_by_addressing, not_understood


def fault_told(error: Exception, addressing: Addressing, correlation: str) -> Fault:
    """What a client is told. Who does not use addressing is not told in its words."""
    problem = problem_of(error)
    names, header = named_by_addressing(error) if addressing.present else ((), "")
    return Fault(
        kind=kind_of(error, callers_fault=problem.callers_fault),
        code=problem.code,
        text=problem.detail,
        correlation=correlation,
        findings=problem.findings,
        recipients=tuple((outcome.agency, outcome.code) for outcome in problem.recipients),
        names=not_understood(error),
        addressing=names,
        header=header,
    )
