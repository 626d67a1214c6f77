"""The doors: a file or a text → a feature model; a text → a formula."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from marque.common import InputError
from marque.product.model import FeatureModel, Formula, Place
from marque.product.uvl.compose import compose
from marque.product.uvl.faults import Source
from marque.product.uvl.formulas import free_scope, read_formula
from marque.product.uvl.names import Directory
from marque.product.uvl.tokens import MOST_CHARACTERS, tokens_of

_NO_FILE = re.compile(r'[/\\:*?"<>|]|\A\.*\Z')


def read(path: Path, *, search: Sequence[Path] = ()) -> FeatureModel:
    """The model in a file and in what it imports: `a.b` is a/b.uvl beside the file that imports it, beside `path`, or in one of `search`.

    In messages and places a file is named as it lies below the folder of `path`. InputError for every fault, with line and column.
    """
    files = _Files(Path(path), search)
    return compose(files.text(files.main, files.main.name), files.main.name, files.load)


def parse(text: str, file: str = "<text>", load: Callable[[str], tuple[str, str]] | None = None) -> FeatureModel:
    """The model in a text. load: of an imported namespace, as it is written, its text and its file's name; LookupError where there is none.

    Two files must have two names. InputError for every fault, with line and column.
    """
    return compose(text, file, (lambda namespace, _importer: load(namespace)) if load else None)


def parse_formula(text: str, place: Place, model: FeatureModel | None = None) -> Formula:
    """The formula in a text that stands at `place`, such as a part's usage condition. InputError with line and column from there.

    With a model every name must be one of it, and be used as what it is. Without, names are taken as they stand: what has a full stop is a
    feature of a submodel as a condition, and the attribute behind the last full stop as a number.
    """
    source = Source(text, place.file, (place.line, place.column))
    tokens = tokens_of(source)
    scope = Directory(model.features).scope(source, lambda _level, _offset: None) if model else free_scope()
    return read_formula(tokens, 0, len(tokens.kinds), scope)


def decoded(content: bytes, file: str) -> str:
    """The text of a file. InputError at the first byte that is not UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError as reason:
        before = content[: reason.start].decode().removeprefix("\ufeff")
        told = "UTF-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else f"byte {content[reason.start]:#04x}"
        raise Source(before, file).fault(len(before), f"the file is not UTF-8 ({told})", "Save it as UTF-8.") from reason


class _Files:
    """Files of a composition, by the name they are shown with; a name stands for one file."""

    def __init__(self, main: Path, search: Sequence[Path]) -> None:
        self.main, self._search = main, search
        self._paths = {main.name: main}
        self._shown_as = {main.resolve(): main.name}

    def load(self, namespace: str, importer: str) -> tuple[str, str]:
        parts = namespace.split(".")
        if any(_NO_FILE.search(part) for part in parts):
            raise LookupError("this cannot be the name of a file")
        relative = Path(*parts[:-1], f"{parts[-1]}.uvl")
        folders = dict.fromkeys([self._paths[importer].parent, self.main.parent, *self._search])
        for folder in folders:
            if (folder / relative).is_file():
                shown = self._shown(folder / relative)
                return self.text(folder / relative, shown), shown
        nowhere = " or in the folders that are searched" if self._search else ""
        raise LookupError(f"there is no file {relative.as_posix()} beside {importer}{nowhere}")

    def text(self, path: Path, shown: str) -> str:
        """Decoded; InputError where that is not possible."""
        try:
            if path.exists() and not path.is_file():
                raise InputError(shown, "", "this is no file", "Name a .uvl file.")
            if path.stat().st_size > MOST_CHARACTERS:
                raise InputError(shown, "line 1, column 1", f"the file has more than {MOST_CHARACTERS:,} bytes")
            content = path.read_bytes()
        except OSError as reason:
            raise InputError(shown, "", f"the file cannot be read: {reason.strerror}") from reason
        return decoded(content, shown)

    def _shown(self, path: Path) -> str:
        """The path below the main file's folder, or its last parts that no other file has."""
        real = path.resolve()
        if real in self._shown_as:
            return self._shown_as[real]
        try:
            shown = real.relative_to(self.main.parent.resolve()).as_posix()
        except ValueError:
            shown = path.name
        while shown in self._paths:
            shown = f"{path.parent.name}/{shown}"
        self._paths[shown], self._shown_as[real] = path, shown
        return shown
