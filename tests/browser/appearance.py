"""What a rendered page looks like to people: contrast, width, names of fields.

The measures are those of WCAG 2.2: contrast (1.4.3), reflow at 320 CSS pixels (1.4.10), labels
(1.3.1, 3.3.2), visible focus (2.4.7).
"""

from dataclasses import dataclass

from playwright.sync_api import Page

CONTRAST_MIN = 4.5
LARGE_TEXT_CONTRAST_MIN = 3.0

# The browser itself turns every colour notation into bytes: it paints one pixel with it.
_MEASURE_TEXTS = """() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pixel = canvas.getContext("2d", { willReadFrequently: true });
  const paint = (layers) => {
    pixel.clearRect(0, 0, 1, 1);
    for (const layer of layers) { pixel.fillStyle = layer; pixel.fillRect(0, 0, 1, 1); }
    return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const supportsDark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
  const canvasColour = dark && supportsDark ? "rgb(18, 18, 18)" : "white";
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.unshift(getComputedStyle(at).backgroundColor);
    }
    return [canvasColour, ...layers];
  };
  const hasText = (element) => [...element.childNodes].some(
    (node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== "");
  const texts = [];
  for (const element of document.body.querySelectorAll("*")) {
    const field = element.matches("input:not([type=hidden]), textarea, select");
    if (!(field || hasText(element)) || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const layers = behind(element);
    texts.push({
      text: (field ? `field ${element.name}` : element.textContent.trim()).slice(0, 60),
      foreground: paint([...layers, style.color]),
      background: paint(layers),
      size: parseFloat(style.fontSize),
      weight: Number(style.fontWeight),
    });
  }
  return texts;
}"""

_UNNAMED_FIELDS = """() => [...document.querySelectorAll("input, select, textarea")]
  .filter((field) => field.type !== "hidden" && field.labels.length === 0)
  .map((field) => field.outerHTML)"""

_OVERFLOW = """() => {
  const root = document.scrollingElement;
  return root.scrollWidth - root.clientWidth;
}"""

_FOCUS_IS_VISIBLE = """() => {
  const focused = document.activeElement;
  const style = () => {
    const now = getComputedStyle(focused);
    return [now.outlineStyle, now.outlineWidth, now.outlineColor, now.boxShadow,
            now.borderColor, now.backgroundColor].join("|");
  };
  const with_focus = style();
  focused.blur();
  const without_focus = style();
  focused.focus({ focusVisible: true });
  return with_focus !== without_focus;
}"""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of visible text with its colours as rendered."""

    text: str
    foreground: tuple[int, int, int]
    background: tuple[int, int, int]
    size: float
    weight: int

    @property
    def contrast(self) -> float:
        """WCAG's contrast ratio, from 1 (invisible) to 21 (black on white)."""
        lighter, darker = sorted(
            (luminance(self.foreground), luminance(self.background)), reverse=True
        )
        return (lighter + 0.05) / (darker + 0.05)

    @property
    def contrast_min(self) -> float:
        """What WCAG 1.4.3 asks for at this size; large is 24 px, or 18.66 px in bold."""
        large = self.size >= 24 or (self.size >= 18.66 and self.weight >= 700)
        return LARGE_TEXT_CONTRAST_MIN if large else CONTRAST_MIN


def luminance(colour: tuple[int, int, int]) -> float:
    """Return the relative luminance of an sRGB colour, 0 to 1 (WCAG's definition)."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def visible_texts(page: Page) -> list[Text]:
    """Return every visible piece of text of a page."""
    return [
        Text(
            measured["text"],
            tuple(measured["foreground"]),
            tuple(measured["background"]),
            measured["size"],
            measured["weight"],
        )
        for measured in page.evaluate(_MEASURE_TEXTS)
    ]


def hard_to_read(page: Page) -> list[str]:
    """Return what falls short of WCAG's contrast, with its ratio."""
    return [
        f"{text.text!r}: {text.contrast:.2f} is below {text.contrast_min}"
        for text in visible_texts(page)
        if text.contrast < text.contrast_min
    ]


def fields_without_label(page: Page) -> list[str]:
    """Return the visible fields that no label belongs to."""
    fields: list[str] = page.evaluate(_UNNAMED_FIELDS)
    return fields


def horizontal_overflow(page: Page) -> int:
    """Return by how many CSS pixels the page is wider than its window."""
    overflow: int = page.evaluate(_OVERFLOW)
    return overflow


def focus_is_visible(page: Page) -> bool:
    """Return whether the focused element looks different from the same one without focus."""
    visible: bool = page.evaluate(_FOCUS_IS_VISIBLE)
    return visible
