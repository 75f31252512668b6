"""The label says that it is none, and its codes can be read."""

import io
import subprocess
from datetime import date
from pathlib import Path
from shutil import which

import pytest

from plugins.shop.label import LabelText, label_pdf, qr_png

TEXT = LabelText(
    carrier="Demo-Paket",
    tracking="DEMO100237000015",
    qr="DEMO-RETURN:DEMO100237000015:B-100237",
    order="B-100237",
    day=date(2026, 11, 24),
    sender=("Özlem Yıldız 李", "Straße 1", "Hinterhaus", "3. Stock", "10119 Berlin", "GERMANY"),
    recipient=("Kranich Kontor, Retouren", "Beispielallee 1", "50858 Köln"),
)


def test_the_same_label_is_the_same_file() -> None:
    assert label_pdf(TEXT) == label_pdf(TEXT)


@pytest.mark.skipif(which("pdftotext") is None, reason="needs pdftotext (apt: poppler-utils)")
def test_the_label_is_marked_as_a_demo_and_keeps_its_umlauts(tmp_path: Path) -> None:
    text = _read(tmp_path, "pdftotext", "-layout", "label.pdf", "-")
    assert "DEMO – keine Versandmarke" in text
    assert "DEMO – not a real shipping label" in text
    assert "Özlem Yıldız ?" in text
    assert "B-100237" in text
    assert text.count("\f") == 1  # one page


@pytest.mark.skipif(
    which("zbarimg") is None or which("pdftoppm") is None,
    reason="needs zbarimg and pdftoppm (apt: zbar-tools poppler-utils)",
)
def test_a_scanner_reads_both_codes(tmp_path: Path) -> None:
    _read(tmp_path, "pdftoppm", "-r", "150", "-png", "-singlefile", "label.pdf", "page")
    read = _read(tmp_path, "zbarimg", "-q", "page.png")
    assert "CODE-128:DEMO100237000015" in read
    assert f"QR-Code:{TEXT.qr}" in read
    (tmp_path / "qr.png").write_bytes(qr_png(TEXT.qr))
    assert _read(tmp_path, "zbarimg", "-q", "--raw", "qr.png").strip() == TEXT.qr


def test_the_qr_code_is_large_enough_for_a_screen() -> None:
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(qr_png(TEXT.qr)))
    assert image.size[0] == image.size[1] >= 300


def _read(folder: Path, *command: str) -> str:
    (folder / "label.pdf").write_bytes(label_pdf(TEXT))
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=60)
    return done.stdout.decode()
