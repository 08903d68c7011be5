import pytest

from textbook.experiment.pages.text import Text, named_arms, number


@pytest.mark.parametrize(
    ("words", "html"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ('<img src=x onerror="alert(1)">', "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;"),
        ("call `fit(x)` twice", "call <code>fit(x)</code> twice"),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
        ("a weighted *sum* of", "a weighted <em>sum</em> of"),
        ("2 * 3 * 4 and * alone", "2 * 3 * 4 and * alone"),
        ("explore and *exploit (use)*", "explore and <em>exploit (use)</em>"),
        ("best rates (* at the border): a 0.1*, b 0.3*", "best rates (* at the border): a 0.1*, b 0.3*"),
        ("x**2 and y**2", "x**2 and y**2"),
        ("정칙화 and 정규화", '<span lang="ko">정칙화</span> and <span lang="ko">정규화</span>'),
    ],
)
def test_a_text_is_escaped_and_its_marks_are_set(words, html):
    assert Text(words).__html__() == html


def test_words_in_another_language_than_the_page_say_so():
    assert Text("still English", "en", "ko").__html__() == '<span lang="en">still English</span>'
    assert Text("한국어", "ko", "ko").__html__() == "한국어"
    assert Text("가중 *평균*이다", "ko", "ko").__html__() == "가중 <em>평균</em>이다"
    assert (Text("a", "en", "ko").foreign, Text("a", "en", "en").foreign) == ("en", None)


def test_paragraphs_are_parted_by_empty_lines():
    text = Text("one\ntwo\n\nthree\n \n\nfour\n")
    assert [paragraph.words for paragraph in text.paragraphs] == ["one two", "three", "four"]
    assert Text("").paragraphs == [] and not Text("")


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("for ('SGD', 0.3) than for ('a, b', 'B = 8', 128.0),", "for 'SGD, 0.3' than for 'a, b, B = 8, 128',"),
        ("""lower for (32, "the batch's own") than""", "lower for '32, the batch's own' than"),
        ("the same for 'fast', 'rate/(1 − momentum)'", "the same for 'fast', 'rate/(1 − momentum)'"),
        ("above (0.05, 0.0)", "above (0.05, 0.0)"),
    ],
)
def test_arms_of_several_columns_are_named_in_plain_words(written, named):
    assert named_arms(written) == named


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.021349, "0.0213"),
        (-1.5, "−1.5"),
        (0.00012, "0.00012"),
        (0.000012, "1.2·10⁻⁵"),
        (2.98e-9, "2.98·10⁻⁹"),
        (-3e12, "−3·10¹²"),
        (123456, "123000"),
        (100.0, "100"),
        (0.1 + 0.2, "0.3"),
    ],
)
def test_numbers_have_three_digits(value, words):
    assert number(value) == words
