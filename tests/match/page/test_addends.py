"""Numbers that add up as they are shown: addends.js, asked in a browser for many parts."""

from fractions import Fraction
from typing import Any

from match.page.app import FOLDER

PARTS = """() => {
  let state = 7;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const some = [[0, 0, 0, 0], [-2.7512, 0.005, 0, 0], [0.005, 0.005, 0.005, 0.005], [-0.005, 0.29, -0.001, 0]];
  some.push([-3, 0.004999, 0.004999, 0]);
  for (let n = 0; n < 2000; n++) some.push(Array.from({ length: 4 }, () => random() < 0.3 ? 0 : (random() - 0.5) * 8));
  return some.map((parts) => [parts, addends(parts)]);
}"""


def test_parts_add_up_each_less_than_a_hundredth_off_and_nothing_stays_nothing(browser: Any) -> None:
    page = browser.new_page()
    source = (FOLDER / "addends.js").read_text(encoding="utf-8").replace("export function", "function")
    page.add_script_tag(content=source)
    told = page.evaluate(PARTS)
    page.close()
    assert len(told) == 2005
    for parts, shown in told:
        hundredths = [Fraction(f"{part:.2f}") for part in shown["parts"]]
        assert sum(hundredths) == Fraction(f"{shown['total']:.2f}")
        assert abs(shown["total"] - sum(parts)) <= 0.005 + 1e-6
        for part, one in zip(parts, shown["parts"], strict=True):
            assert abs(part - one) < 0.01 + 1e-6
            assert part != 0 or one == 0
