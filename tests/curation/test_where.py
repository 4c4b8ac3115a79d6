import pyarrow as pa
import pytest

from pairsift.curation.where import Condition, read_as, widest_kind
from pairsift.errors import UsageError

ROWS = pa.RecordBatch.from_pydict(
    {
        "width": [100, 256, None, 512],
        "punsafe": [0.1, 0.9, 0.2, 0.3],
        "My Text": ["a cat", "two", "", None],
    }
)


@pytest.mark.parametrize(
    ("text", "met", "columns"),
    [
        ("width >= 256 AND punsafe < 0.5", [0, 0, 0, 1], ("width", "punsafe")),
        ("WIDTH >= 256 -- what is wide", [0, 1, 0, 1], ("WIDTH",)),
        ("lower(\"My Text\") LIKE '%cat'", [1, 0, 0, 0], ("My Text",)),
        ("width IS NULL OR width BETWEEN 1 AND 200", [1, 0, 1, 0], ("width",)),
        ("CASE WHEN punsafe > 0.5 THEN false ELSE true END", [1, 0, 1, 1], ("punsafe",)),
        ("width IN (100, 512)", [1, 0, 0, 1], ("width",)),
        ("true", [1, 1, 1, 1], ()),
        ("CAST(width AS VARCHAR) = '100' OR punsafe::DOUBLE > 0.5", [1, 1, 0, 0], None),
        ('TRY_CAST("My Text" AS INTEGER) IS NULL', [1, 1, 1, 1], ("My Text",)),
        ("DATE '2020-01-01' + INTERVAL 1 DAY > DATE '2020-01-01'", [1, 1, 1, 1], ()),
        ("len(list_filter([width, 1], lambda x: x > 200)) = 1", [0, 1, 0, 1], ("width",)),
        ("len(list_transform([1], lambda width: width + 1)) = 1", [1, 1, 1, 1], ()),
        ("repeat('a', 2) = 'aa' AND nullif(width, 100) > 1", [0, 1, 0, 1], ("width",)),
    ],
)
def test_a_condition_looks_at_each_row(
    text: str, met: list[int], columns: tuple[str] | None
) -> None:
    condition = Condition(text)
    assert columns is None or condition.columns == columns
    assert condition.meets(ROWS).astype(int).tolist() == met
    assert condition.meets(ROWS.slice(1)).astype(int).tolist() == met[1:]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("width >=", "syntax error"),
        ("true; DROP TABLE rows", "syntax error"),
        ("true) FROM rows WHERE (true", "not a query"),
        ("true), (false", "not a query"),
        ("true) LIMIT (1", "not a query"),
        ("width IN (SELECT 1)", "subquery is not accepted"),
        ("EXISTS (SELECT * FROM read_text('/etc/passwd'))", "subquery is not accepted"),
        ("count(*) > 1", "more than one row"),
        ("max(width) > 1", "more than one row"),
        ("geomean(width) > 1", "more than one row"),
        ("wavg(width, punsafe) > 1", "more than one row"),
        ("generate_subscripts([1, 2], 1) = 1", "more than one row"),
        ("current_user = 'me' OR pg_sleep(1) IS NULL", "more than one row|something else"),
        ("row_number() OVER () > 1", "window is not accepted"),
        ("random() < 0.5", "something else each time"),
        ("now() > 1", "something else each time"),
        ("COLUMNS(*) > 1", "star is not accepted"),
        ("*", "star is not accepted"),
        (" ", "where is empty"),
    ],
)
def test_what_is_no_condition_on_a_row_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Condition(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [("height > 1", "columns: width, punsafe"), ("width", "neither true")],
)
def test_what_does_not_fit_the_columns_is_told(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Condition(text).meets(ROWS)


def test_no_file_can_be_named_as_a_table() -> None:
    condition = Condition("width > 0")
    condition.text = "SELECT 1 FROM '/etc/passwd'"
    with pytest.raises(UsageError):
        condition.meets(ROWS)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", " 22 ", "", None, "-3"], pa.int64()),
        (["1", "2.5", "1e3", ".5"], pa.float64()),
        (["007", "12"], pa.string()),
        (["True", "false"], pa.bool_()),
        (["1", "true"], pa.string()),
        (["", None], pa.null()),
        (["1", "two"], pa.string()),
    ],
)
def test_text_is_read_as_what_all_its_cells_are(cells: list[str | None], kind: object) -> None:
    column = pa.array(cells, pa.string())
    assert widest_kind(column, None) == kind
    both = widest_kind(column.slice(1), widest_kind(column.slice(0, 1), None))
    assert both == kind
    assert read_as(column, both).null_count >= cells.count("")


def test_cells_become_numbers() -> None:
    column = pa.array([" 1", "", "2.5"])
    assert read_as(column, pa.float64()).to_pylist() == [1.0, None, 2.5]
    assert read_as(pa.array(["TRUE", None]), pa.bool_()).to_pylist() == [True, None]
