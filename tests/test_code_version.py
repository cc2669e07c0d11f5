"""What counts as a change of code, and what does not."""

import pytest

from errors import InputError
from records.code_version import code_version


def versions(folder, **files: str) -> str:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return code_version(folder / "script.py")


def test_a_comment_a_docstring_and_layout_are_no_change(tmp_path):
    before = versions(tmp_path, script="def f(x):\n    return x + 1\n")
    after = versions(
        tmp_path, script='"""Doc."""\n# why\ndef f(x):\n    """More."""\n    return (x +\n 1)\n'
    )
    assert before == after


def test_a_line_of_logic_is_a_change(tmp_path):
    before = versions(tmp_path, script="def f(x):\n    return x + 1\n")
    assert before != versions(tmp_path, script="def f(x):\n    return x + 2\n")


def test_a_sibling_module_counts_through_other_siblings_and_inside_functions(tmp_path):
    before = versions(
        tmp_path,
        script="def f():\n    import near\n",
        near="from far import g\n",
        far="def g():\n    return 1\n",
    )
    assert before != versions(tmp_path, far="def g():\n    return 2\n")


def test_a_module_of_a_package_counts(tmp_path):
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora/__init__.py").write_text("")
    (tmp_path / "corpora/games.py").write_text("A = 1\n")
    before = versions(tmp_path, script="from corpora import games\n")
    (tmp_path / "corpora/games.py").write_text("A = 2\n")
    assert before != versions(tmp_path)


def test_modules_that_are_not_imported_or_only_keep_books_do_not_count(tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "records/record.py").write_text("A = 1\n")
    before = versions(tmp_path, script="from records.record import A\n", other="A = 1\n")
    (tmp_path / "records/record.py").write_text("A = 2\n")
    assert before == versions(tmp_path, other="A = 2\n")


def test_the_init_of_a_folder_counts_with_its_modules(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files/audio.py").write_text("A = 1\n")
    before = versions(tmp_path, script="from files.audio import A\n")
    (tmp_path / "files/__init__.py").write_text("B = 1\n")
    assert before != versions(tmp_path)


def test_a_help_text_is_no_change_and_a_default_is_one(tmp_path):
    line = "add('--rate', default={}, help='{}')\n"
    before = versions(tmp_path, script=line.format(1, "rate"))
    assert before == versions(tmp_path, script=line.format(1, "the rate, Hz"))
    assert before != versions(tmp_path, script=line.format(2, "rate"))
    other = "show(help='rate')\n"
    assert versions(tmp_path, script=other) != versions(tmp_path, script=other.replace("rate", "r"))


def test_a_data_file_beside_a_module_that_names_it_counts(tmp_path):
    (tmp_path / "words.tsv").write_text("a\tb")
    before = versions(tmp_path, script="read('words.tsv')\n")
    (tmp_path / "words.tsv").write_text("a\tc")
    assert before != versions(tmp_path)


def test_a_relative_import_is_refused(tmp_path):
    with pytest.raises(InputError, match="script.py:1: a relative import"):
        versions(tmp_path, script="from . import near\n")
