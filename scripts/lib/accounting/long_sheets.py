"""Long sheets: those of a workbook whose rows are made as they are written into the file.

XlsxWriter keeps an object for each cell, and the XML of all sheets, until the end: a year of 5,000
clients took a gigabyte. Here a sheet keeps what is different in each column, and where; its XML
waits in a temporary file. The bytes are those that XlsxWriter gives of the same cells.
"""

import io
import shutil
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import IO, Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xlsxwriter.packager import Packager
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

_LONG = ("xl/worksheets/sheet", "xl/sharedStrings")  # files whose XML does not stay in memory
_SPANNED = 16  # rows that say together from which column to which they have cells


class LongColumn(NamedTuple):
    """The cells of a column: what stands inside the elements of different ones, empty where there
    is none; which of these each cell is; and the format of numbers."""

    inside: Sequence[str]
    places: Sequence[int]
    format: Any = None


def column(cells: Iterable[Any], inside: Callable[[Any], str], format_: Any = None) -> LongColumn:
    """The cells of a column; `inside` is asked once of each that is different."""
    known: dict[Any, int] = {}
    places = array("i", [known.setdefault(cell, len(known)) for cell in cells])
    return LongColumn(list(map(inside, known)), places, format_)


class LongSheet(Worksheet):  # type: ignore[misc]
    """A sheet whose first rows are cells of XlsxWriter's own, in all columns that it has."""

    _below: Sequence[LongColumn] = ()
    _first = 0

    def texts(self, cells: Sequence[str]) -> LongColumn:
        """A column of texts, which the workbook holds once for all of its sheets."""

        def inside(text: str) -> str:
            return f"<v>{self.str_table._get_shared_string_index(text)}</v>" if text else ""

        texts = column(cells, inside)
        self.str_table.count += sum(map(bool, cells)) - sum(map(bool, texts.inside))
        return texts

    def put_below(self, first: int, columns: Sequence[LongColumn]) -> None:
        """The rows from `first` on; in none of them all cells are empty."""
        if rows := len(columns[0].places):
            self._below, self._first = columns, first
            self._check_dimensions(first + rows - 1, len(columns) - 1)

    def _write_rows(self) -> None:
        if not self._below:
            super()._write_rows()
            return
        for row in range(self._first):
            self._write_row(row, f"1:{len(self._below)}")
            for place, cell in sorted(self.table[row].items()):
                self._write_cell(row, place, cell)
            self._xml_end_tag("row")
        self._number_formats()
        begun = self._first
        while begun <= self.dim_rowmax:
            end = min(begun // _SPANNED * _SPANNED + _SPANNED, self.dim_rowmax + 1)
            self._write_spanned(begun, end)
            begun = end

    def _number_formats(self) -> None:
        """Formats are numbered in the order in which rows come to them."""
        order = [
            (next((i for i, at in enumerate(places) if inside[at]), len(places)), place, style)
            for place, (inside, places, style) in enumerate(self._below)
            if style and any(inside)
        ]
        for _, _, style in sorted(order, key=lambda entry: entry[:2]):
            style._get_xf_index()

    def _write_spanned(self, begun: int, end: int) -> None:
        columns = [list(self._elements(i, begun, end)) for i in range(len(self._below))]
        present = [i for i, elements in enumerate(columns, 1) if any(elements)]
        whole = begun == self._first and begun % _SPANNED  # with the rows above
        span = f"1:{len(columns)}" if whole else f"{present[0]}:{present[-1]}"
        for row, elements in enumerate(zip(*columns, strict=True), begun):
            self._write_row(row, span)
            self.fh.write("".join(elements))
            self._xml_end_tag("row")

    def _elements(self, place: int, begun: int, end: int) -> Iterator[str]:
        inside, places, style = self._below[place]
        name = xl_col_to_name(place)
        # What asks a format for its number puts it among those of the workbook.
        kind = f's="{style._get_xf_index()}"' if style and any(inside) else 't="s"'
        own = places[begun - self._first : end - self._first]
        for row, at in enumerate(own, begun + 1):
            yield f'<c r="{name}{row}" {kind}>{inside[at]}</c>' if inside[at] else ""


class _LongXml(io.StringIO):
    """The XML of a long file, in a temporary one: XlsxWriter finds nothing in it."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(text.encode())


class _LongPackager(Packager):  # type: ignore[misc]
    def __init__(self, open_: Callable[[], IO[bytes]], long: dict[str, IO[bytes]]) -> None:
        super().__init__()
        self._open, self._long = open_, long

    def _filename(self, xml_filename: str) -> io.StringIO:
        stream = io.StringIO()
        if xml_filename.startswith(_LONG):
            self._long[xml_filename] = self._open()
            stream = _LongXml(self._long[xml_filename])
        self.filenames.append((stream, xml_filename, False))
        return stream


class LongWorkbook(Workbook):  # type: ignore[misc]
    """A workbook of long sheets, written to a stream."""

    worksheet_class = LongSheet
    filename: Any

    def _get_packager(self) -> Packager:
        return _LongPackager(self._open, self._long)

    def _store_workbook(self) -> None:
        """What XlsxWriter stores, with the XML of long files in its place, a piece at a time."""
        target, self.filename = self.filename, io.BytesIO()
        self._long: dict[str, IO[bytes]] = {}
        with ExitStack() as stack:
            self._open = lambda: stack.enter_context(tempfile.TemporaryFile())
            super()._store_workbook()
            stored = stack.enter_context(ZipFile(self.filename))
            whole = stack.enter_context(ZipFile(target, "w", ZIP_DEFLATED))
            for entry in stored.infolist():
                info = ZipInfo(entry.filename, entry.date_time)
                info.compress_type = ZIP_DEFLATED
                source = self._long.get(entry.filename) or stored.open(entry)
                if source.seekable():
                    source.seek(0)
                with whole.open(info, "w") as written:
                    shutil.copyfileobj(source, written)
