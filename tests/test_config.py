"""Settings: one file, the environment over it, unknown keys refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.config import SettingsRefused, read_settings, settings


def made(tmp_path: Path, text: str) -> Path:
    (tmp_path / "gateway.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_an_empty_file_gives_a_deployment_on_loopback_with_tls(tmp_path: Path) -> None:
    found = read_settings(made(tmp_path, ""))
    assert (found.listen.host, found.listen.port, found.listen.tls, found.listen.console) == (
        "127.0.0.1",
        8443,
        True,
        0,
    )
    assert found.relay.budget_hours == 72
    assert found.limits.body_bytes_max == 10 * 1024 * 1024
    assert found.keys.cover == "p256"


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = made(tmp_path, 'database = "sqlite:///data/gateway.db"\n[keys]\ndirectory = "secret/keys"\n')
    monkeypatch.chdir("/")
    found = read_settings(place)
    assert found.database_url == f"sqlite:///{tmp_path.resolve()}/data/gateway.db"
    assert found.keys_directory == tmp_path.resolve() / "secret/keys"


def test_absolute_paths_and_postgresql_urls_are_taken_as_they_are(tmp_path: Path) -> None:
    place = made(tmp_path, 'database = "sqlite:////var/lib/gateway.db"\n[keys]\ndirectory = "/srv/keys"\n')
    found = read_settings(place)
    assert found.database_url == "sqlite:////var/lib/gateway.db"
    assert found.keys_directory == Path("/srv/keys")
    url = "postgresql://gateway@db.internal/gateway"
    assert read_settings(made(tmp_path, f'database = "{url}"\n')).database_url == url


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = made(tmp_path, "[listen]\nport = 1\nconsole = 2\n")
    monkeypatch.setenv("GATEWAY_LISTEN__PORT", "8444")
    monkeypatch.setenv("GATEWAY_RELAY__BUDGET_HOURS", "12")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/gateway")
    found = read_settings(place)
    assert (found.listen.port, found.listen.console, found.relay.budget_hours) == (8444, 2, 12)
    assert found.database_url == "postgresql://db/gateway"


def test_an_empty_variable_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_LISTEN__PORT", "")
    monkeypatch.setenv("DATABASE_URL", "")
    found = read_settings(made(tmp_path, ""))
    assert found.listen.port == 8443
    assert found.database == "sqlite:///gateway.db"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour = 'blue'\n", "colour"),
        ("[listen]\nprot = 8443\n", "listen.prot"),
        ("[listen]\nport = 70000\n", "listen.port"),
        ("[listen]\nport = 'eight'\n", "listen.port"),
        ("[limits]\nbody_bytes_max = 0\n", "limits.body_bytes_max"),
        ("[limits]\nbody_bytes_max = 1000000000\n", "limits.body_bytes_max"),
        ("[keys]\ncover = 'dsa1024'\n", "keys.cover"),
        ("name = 'Not A Name'\n", "name"),
        ("[relay]\nattempts_max = -1\n", "relay.attempts_max"),
        ("[nowhere]\nx = 1\n", "nowhere"),
        ("timezone = 'Mars/Olympus'\n", "timezone"),
        ("timezone = '../../etc/passwd'\n", "timezone"),
        ("timezone = ''\n", "timezone"),
        ("[listen]\npublic_url = 'exchange.example'\n", "listen.public_url"),
        ("[listen]\npublic_url = 'https://exchange.example/?a=b'\n", "listen.public_url"),
    ],
)
def test_a_key_or_value_that_does_not_exist_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_settings(made(tmp_path, text))
    assert f"{named}: " in refused.value.text
    assert "gateway.toml" in refused.value.text


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_settings(made(tmp_path, "colour = 'blue'\n[listen]\nport = 70000\n"))
    assert "colour" in refused.value.text
    assert "listen.port" in refused.value.text


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", b"[listen]\n[listen]\n"])
def test_what_is_not_toml(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "gateway.toml").write_bytes(content)
    with pytest.raises(SettingsRefused, match="not TOML"):
        read_settings(tmp_path)


def test_without_a_file_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="gateway init"):
        read_settings(tmp_path)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "gateway.example"])  # noqa: S104
def test_plain_http_is_for_loopback_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsRefused, match="loopback"):
        read_settings(made(tmp_path, f'[listen]\nhost = "{host}"\ntls = false\n'))
    assert read_settings(made(tmp_path, f'[listen]\nhost = "{host}"\n')).listen.tls


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_plain_http_may_be(tmp_path: Path, host: str) -> None:
    found = read_settings(made(tmp_path, f'[listen]\nhost = "{host}"\ntls = false\n'))
    assert found.public_url.startswith("http://")


def test_days_of_agreements_are_those_of_the_time_zone_that_is_set(tmp_path: Path) -> None:
    evening = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    for text, hour in (("", 23), ("timezone = 'America/Chicago'\n", 17), ("timezone = 'Pacific/Auckland'\n", 12)):
        zone = read_settings(made(tmp_path, text)).zone
        assert evening.astimezone(zone).hour == hour


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ({}, "https://127.0.0.1:8443"),
        ({"port": 443, "host": "gateway.example"}, "https://gateway.example:443"),
        ({"public_url": "https://exchange.example/"}, "https://exchange.example"),
        ({"host": "::1"}, "https://[::1]:8443"),
    ],
)
def test_the_address_that_partners_use(tmp_path: Path, listen: dict[str, object], url: str) -> None:
    assert settings({"listen": listen}, tmp_path, source="test").public_url == url


def test_the_port_that_is_listened_on_counts_unless_partners_use_another_address(tmp_path: Path) -> None:
    plain = settings({}, tmp_path, source="test")
    assert plain.on_port(9001).public_url == "https://127.0.0.1:9001"
    assert plain.public_url == "https://127.0.0.1:8443"
    public = settings({"listen": {"public_url": "https://exchange.example"}}, tmp_path, source="test")
    assert public.on_port(9001).public_url == "https://exchange.example"


def test_settings_do_not_change_while_the_gateway_runs(tmp_path: Path) -> None:
    found = read_settings(made(tmp_path, ""))
    with pytest.raises(ValidationError):
        found.name = "another"
    with pytest.raises(ValidationError):
        found.listen.port = 1
