"""Caller: an agency's own system, as an integrator writes one. Knows what a real one knows and nothing more."""

import time
from pathlib import Path
from typing import Any

import requests

PATIENCE_SECONDS = 30.0


class Caller:
    """HTTP under one credential.

    token        bearer token, "" for none
    certificate  client certificate and key, PEM files
    """

    def __init__(
        self, url: str, authority: Path, *, token: str = "", certificate: tuple[Path, Path] | None = None
    ) -> None:
        self.url = url
        self.authority = authority
        self.token = token
        self.certificate = certificate
        self.session = self._session()

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # a bundle of authorities named in the environment would win over `verify`
        session.verify = str(self.authority)
        if self.certificate:
            session.cert = (str(self.certificate[0]), str(self.certificate[1]))
        if self.token:
            session.headers["Authorization"] = f"Bearer {self.token}"
        return session

    def again(self) -> "Caller":
        """The same agency, over connections of its own: for another thread."""
        return Caller(self.url, self.authority, token=self.token, certificate=self.certificate)

    def close(self) -> None:
        """Let go of connections."""
        self.session.close()

    def get(self, path: str, **parameters: Any) -> requests.Response:
        """GET below the gateway's address."""
        return self.session.get(self.url + path, params=parameters, timeout=PATIENCE_SECONDS)

    def post(self, path: str, body: bytes = b"", **headers: str) -> requests.Response:
        """POST; `Content_Type="..."` gives a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.post(self.url + path, data=body, headers=named, timeout=PATIENCE_SECONDS)

    def submit(self, body: bytes, id: str = "", *, to: tuple[str, ...] = (), path: str = "") -> requests.Response:
        """POST /v1/messages; `path` for what stands behind it."""
        query = "?" + "&".join(f"to={agency}" for agency in to) if to else ""
        headers = {"Content_Type": "application/xml"} | ({"Idempotency_Key": id} if id else {})
        return self.post(f"/v1/messages{path}{query}", body, **headers)

    def accepted(self, body: bytes, id: str = "", **more: Any) -> dict[str, Any]:
        """Submit what must be accepted, and give the answer."""
        answer = self.submit(body, id, **more)
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def status(self, message: str) -> dict[str, dict[str, Any]]:
        """Deliveries of a message of this agency, by recipient."""
        answer = self.get(f"/v1/messages/{message}")
        assert answer.status_code == 200, answer.text
        return {each["recipient"]: each for each in answer.json()["deliveries"]}

    def wait_for(self, message: str, state: str, *recipients: str) -> dict[str, dict[str, Any]]:
        """Until these (all, when none is named) stand there. Fails with what stands instead."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = self.status(message)
            wanted = recipients or tuple(found)
            if wanted and all(each in found and found[each]["state"] == state for each in wanted):
                return found
            assert time.monotonic() < deadline, f"not {state} in time: {found}"
            time.sleep(0.05)

    def inbox(self, **parameters: int) -> list[dict[str, Any]]:
        """One page of the inbox."""
        answer = self.get("/v1/inbox", **parameters)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def item(self, message: str) -> dict[str, Any]:
        """The inbox item that carries this message; looks through all pages."""
        after = 0
        while True:
            page = self.get("/v1/inbox", after=after, limit=200).json()
            for item in page["items"]:
                if item["message"] == message:
                    found: dict[str, Any] = item
                    return found
            assert page["items"], f"{message} is not in the inbox"
            after = page["next"]
