"""Modules that leave the heap again."""

import sys

import terminal
from terminal import columns
from terminal.late import Once, forget
from tests.shared.expect import raises

SELDOM = "terminal.texts_rare_en"  # nothing is of a class of it


def loaded() -> tuple:
    return SELDOM in sys.modules, hasattr(terminal, "texts_rare_en")


def test_what_is_loaded_for_once_is_gone_behind_it_and_comes_again():
    forget(SELDOM)
    for _ in range(2):
        with Once():
            from terminal import columns as same
            from terminal import texts_rare_en

            assert texts_rare_en.SCREENS and loaded() == (True, True)
            assert same is columns
        assert loaded() == (False, False)
        assert sys.modules["terminal.columns"] is columns


def test_what_was_there_before_stays():
    from terminal import texts_rare_en

    with Once():
        from terminal import texts_rare_en as again

        assert again is texts_rare_en
    assert loaded() == (True, True)


def test_an_error_in_it_comes_out_and_leaves_nothing():
    forget(SELDOM)

    def fails() -> None:
        with Once():
            from terminal import texts_rare_en

            raise ValueError(texts_rare_en.__name__)

    assert SELDOM in str(raises(ValueError, fails))
    assert loaded() == (False, False)


def test_to_forget_what_is_not_there_is_nothing():
    forget(SELDOM)
    forget(SELDOM)
    forget("no.such.module")
    assert loaded() == (False, False)
