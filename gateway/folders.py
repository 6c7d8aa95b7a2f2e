"""Reads `iepd/`, `xsd/` and `policies/` into memory; nothing else opens them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.errors import Misconfigured
from gateway.finding import Finding
from gateway.iepd.archive import unwrap, unzip
from gateway.iepd.fields import FILE
from gateway.iepd.package import Iepd, IepdRefused, load
from gateway.policy.law import LawPack, Laws
from gateway.policy.law_read import read_law
from gateway.policy.reading import nearest

SIZE_BYTES_MAX = 256 * 1024 * 1024
"""Of one folder. All published NIEM releases together are smaller; more is a wrong folder."""


class FolderUnusable(Misconfigured):
    """A folder that is missing, cannot be read, or is far too large."""

    code = "folder.unusable"


class LawsRefused(Misconfigured):
    """A law pack that is not right, or is named and not there: without it nobody knows what may be shared."""

    code = "law.refused"

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(f"law packs: {len(self.findings)} finding{'s' if len(self.findings) != 1 else ''}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedFolders:
    """The folders that come with the gateway."""

    iepd: Path
    xsd: Path
    policies: Path


def shipped() -> ShippedFolders:
    """Beside the package in a checkout, inside it when installed. Raises `FolderUnusable` when they are in neither."""
    package = Path(__file__).resolve().parent
    for top in (package.parent, package / "shipped"):
        found = ShippedFolders(iepd=top / "iepd", xsd=top / "xsd", policies=top / "policies")
        if all(folder.is_dir() for folder in (found.iepd, found.xsd, found.policies)):
            return found
    raise FolderUnusable("the folders iepd, xsd and policies that come with the gateway are not there: install it anew")


def templates() -> Mapping[str, str]:
    """The templates of agreements that come with the gateway, by name."""
    return _texts(shipped().policies / "templates")


def template_parts() -> Mapping[str, str]:
    """What several templates share, by name."""
    return _texts(shipped().policies / "templates" / "parts")


def _texts(folder: Path) -> Mapping[str, str]:
    return {file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.yaml"))}


def read_tree(folder: Path) -> Mapping[str, bytes]:
    """Every file below a folder by its name relative to it, with "/"; hidden files and links that lead out left out."""
    if not folder.is_dir():
        raise FolderUnusable(f"{folder}: no such folder")
    top = folder.resolve()
    files: dict[str, bytes] = {}
    size = 0
    try:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            hidden = any(part.startswith((".", "__")) for part in relative.parts)
            if hidden or not path.is_file() or not path.resolve().is_relative_to(top):
                continue
            size += path.stat().st_size
            if size > SIZE_BYTES_MAX:
                raise FolderUnusable(f"{folder}: more than {SIZE_BYTES_MAX >> 20} MiB; is it the right folder?")
            files[relative.as_posix()] = path.read_bytes()
    except OSError as error:
        raise FolderUnusable(f"{folder}: cannot be read") from error
    return files


def read_specification(place: Path) -> Mapping[str, bytes]:
    """The files of a message specification, a folder or a zip. Raises `FolderUnusable`, `IepdRefused`."""
    if place.is_dir():
        return read_tree(place)
    try:
        if place.stat().st_size > SIZE_BYTES_MAX:
            raise FolderUnusable(f"{place}: more than {SIZE_BYTES_MAX >> 20} MiB; is it the right file?")
        return unwrap(unzip(place.read_bytes()))
    except OSError as error:
        raise FolderUnusable(f"{place}: cannot be read") from error


def shipped_schemas() -> Mapping[str, bytes]:
    """The schema documents below xsd/ that come with the gateway."""
    return {name: data for name, data in read_tree(shipped().xsd).items() if name.endswith(".xsd")}


def load_exchanges(iepd_dir: Path, xsd_dir: Path) -> tuple[Iepd, ...]:
    """All exchanges of `iepd/<name>/<version>/`, sorted by id.

    Raises `IepdRefused` with the findings of all of them, each under the file's name from `iepd/` on.
    """
    schemas = {name: data for name, data in read_tree(xsd_dir).items() if name.endswith(".xsd")}
    exchanges: list[Iepd] = []
    findings: list[Finding] = []
    for fields in sorted(iepd_dir.glob(f"*/*/{FILE}")):
        place = fields.parent.relative_to(iepd_dir).as_posix()
        try:
            exchanges.append(_load_from(fields.parent, place, schemas))
        except IepdRefused as error:
            findings.extend(error.findings)
    if findings:
        raise IepdRefused(findings)
    return tuple(sorted(exchanges, key=lambda iepd: iepd.id))


def _load_from(folder: Path, place: str, schemas: Mapping[str, bytes]) -> Iepd:
    try:
        iepd = load(read_tree(folder), schemas)
    except IepdRefused as error:
        named = (
            each if each.file.startswith("xsd/") else replace(each, file=f"{place}/{each.file}")
            for each in error.findings
        )
        raise IepdRefused(named) from error
    if iepd.id != place:
        text = f"the exchange calls itself {iepd.id}, but its folder is {place}"
        raise IepdRefused([Finding(code="fields.wrong-folder", text=text, file=f"{place}/{FILE}", path="exchange")])
    return iepd


def load_laws(named: Iterable[str] = (), own: Path | None = None) -> Laws:
    """The law packs that come with the gateway, and a deployment's own.

    named  packs its settings name. Raises `LawsRefused` with every finding: a pack that cannot be read binds nobody,
           and two with one id could undo each other.
    """
    folders = [shipped().policies / "laws"]
    if own is not None and own.is_dir():
        folders.append(own)
    packs: dict[str, LawPack] = {}
    findings: list[Finding] = []
    for folder in folders:
        for name, data in read_tree(folder).items():
            if not name.endswith((".yaml", ".yml")):
                continue
            pack, wrong = read_law(data, str(folder / name))
            findings += wrong
            if pack is None:
                continue
            if pack.id in packs:
                text = f"there is a pack {pack.id} already; a law has one file"
                findings.append(Finding(code="law.twice", text=text, file=str(folder / name), path="law"))
            packs[pack.id] = pack
    for id in sorted(set(named) - packs.keys()):
        text = f"there is no law pack {id}{nearest(id, packs)}"
        findings.append(Finding(code="law.unknown", text=text, file="gateway.toml", path="law.packs"))
    if findings:
        raise LawsRefused(findings)
    return Laws(packs.values(), named)
