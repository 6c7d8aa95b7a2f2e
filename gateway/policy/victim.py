"""What no agreement may do with a victim's data, whatever its type.

Source: 34 U.S.C. 12291(b)(2), under which data that is encoded, hashed or otherwise protected is still the data.
"""

from gateway.policy.mou import How, Transform


def refused_by_name(transform: Transform, label: str = "") -> tuple[str, str]:
    """Code and text of the refusal of a transform; ("", "") when it may be done.

    label  of a field that the transform's word means; "" = the word itself is judged
    """
    stem = (label or transform.what).removesuffix(".*").split(".")[0]
    if transform.how is How.REMOVE:
        return "", ""
    if stem == "victim-services":
        hint = "data of victim services is removed, never reduced: 34 U.S.C. 12291(b)(2)"
        return "victim-services-reduced", hint
    if stem == "victim" and transform.how is How.PSEUDONYMIZE:
        hint = "a token for a victim is still the victim's data (34 U.S.C. 12291(b)(2)): share it or remove it"
        return "victim-pseudonymized", hint
    return "", ""
