import json
from pathlib import Path

from PIL import Image

from training.curves import draw_curves, main, read_log


def test_one_panel_a_stage(tmp_path: Path) -> None:
    lines = [
        {"time": 1.0, "stage": stage, "step": step, "loss": 9.0, "kind": step / 100}
        for stage in ("look", "both")
        for step in (50, 100)
    ]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_log(path) == lines
    both, one = draw_curves(lines), draw_curves(lines[:2])
    assert both.width == 2 * one.width
    main([str(path), str(tmp_path / "curve.png")])
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.size == both.size
