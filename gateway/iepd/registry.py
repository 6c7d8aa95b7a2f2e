"""Registry: which exchange a message belongs to, by its root element."""

from collections.abc import Iterable, Iterator

from gateway.document.names import split
from gateway.document.parse import Document
from gateway.errors import Misconfigured, Refused
from gateway.iepd.package import Iepd


class UnknownRoot(Refused):
    """No registered exchange has this root element."""

    code = "exchange.unknown-root"


class UnknownExchange(Refused):
    """No exchange of this id is registered."""

    code = "exchange.unknown"


class RootTaken(Misconfigured):
    """Two exchanges with the same id or the same root element: a message would belong to both."""

    code = "exchange.root-taken"


class Registry:
    """The registered exchanges. Immutable: a new one is made when the configuration changes."""

    def __init__(self, iepds: Iterable[Iepd]) -> None:
        self._by_id: dict[str, Iepd] = {}
        self._by_root: dict[str, Iepd] = {}
        for iepd in iepds:
            other = self._by_id.get(iepd.id) or self._by_root.get(iepd.root)
            if other is not None:
                raise RootTaken(f"the exchanges {other.id} and {iepd.id} have the same id or root element")
            self._by_id[iepd.id] = self._by_root[iepd.root] = iepd

    @classmethod
    def of(cls, iepds: Iterable[Iepd]) -> "Registry":
        """A registry of these exchanges. Raises `RootTaken`."""
        return cls(iepds)

    def find(self, document: Document) -> Iepd:
        """The exchange of a message. Raises `UnknownRoot`."""
        found = self._by_root.get(str(document.root.tag))
        if found is None:
            _, local = split(str(document.root.tag))
            roots = ", ".join(sorted(split(root)[1] for root in self._by_root)) or "none"
            same = any(split(root)[1] == local for root in self._by_root)
            hint = "; one has that name, but in another namespace" if same else ""
            raise UnknownRoot(f"the root element belongs to no registered exchange{hint}. Known roots: {roots}")
        return found

    def by_id(self, exchange: str) -> Iepd:
        """The exchange "name/version". Raises `UnknownExchange`."""
        found = self._by_id.get(exchange)
        if found is None:
            raise UnknownExchange(f"no such exchange is registered. Known: {', '.join(self.ids()) or 'none'}")
        return found

    def ids(self) -> tuple[str, ...]:
        """All ids, sorted."""
        return tuple(sorted(self._by_id))

    def __iter__(self) -> Iterator[Iepd]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)
