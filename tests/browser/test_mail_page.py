"""The HTML of a mail, as a phone shows it by day and by night."""

from __future__ import annotations

import shutil

import pytest
from playwright.async_api import async_playwright

from plugins.mail.sending.page import page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
TEXT = (
    "Guten Tag,\n\nhier verfolgen: https://www.shop.example/sendung?nr="
    + "0123456789" * 20
    + "\n\n1. Paket verfolgen\n2. Mit Mensch sprechen"
)
LOOK = """() => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(
      v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const probe = document.createElement('div')
  probe.style.backgroundColor = 'Canvas'
  document.body.append(probe)
  const ground = luminance(getComputedStyle(probe).backgroundColor)
  probe.remove()
  const contrast = (selector) => {
    const text = luminance(getComputedStyle(document.querySelector(selector)).color)
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05)
  }
  return {
    contrast: Math.min(...['p', 'a', 'footer p'].map(contrast)),
    wide: document.documentElement.scrollWidth - innerWidth,
    small: Math.min(...[...document.querySelectorAll('p')].map(
      one => parseFloat(getComputedStyle(one).fontSize))),
  }
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_can_be_read_on_a_small_phone(scheme: str) -> None:
    """Nothing is cut off or scrolls sideways, and every text stands out from its ground."""
    requests: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            shown = await browser.new_page(
                viewport={"width": 320, "height": 600},
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            shown.on("request", lambda request: requests.append(request.url))
            await shown.set_content(
                page(TEXT, "Eine automatische Antwort.", "de", ["shop.example"])
            )
            look = await shown.evaluate(LOOK)
        finally:
            await browser.close()
    assert look["contrast"] >= 4.5, look
    assert look["wide"] <= 0, look
    assert look["small"] >= 14, look
    assert not requests, "a mail fetches nothing: nobody learns that it was read"
