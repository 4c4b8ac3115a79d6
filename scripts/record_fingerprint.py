"""Write what a model should be into its card: checksums, recipe, fingerprint, canary figures.

Run it after every training, on models that are known to be right:

    python scripts/record_fingerprint.py                     # the built-in models
    python scripts/record_fingerprint.py NAME --out DIR      # a known model, for data/fingerprints
"""

import argparse
import json
from pathlib import Path

from pairsift.checking import record_figures, write_card
from pairsift.config import ModelConfig
from pairsift.models import BUILT_IN, DATA
from pairsift.weights import resolve_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="models (default: the built-in ones)")
    parser.add_argument("--out", type=Path, help="write NAME.json there, not beside the model")
    chosen = parser.parse_args()
    for name in chosen.names or [name for name in BUILT_IN if (DATA / name).is_dir()]:
        config = ModelConfig(model=name)
        model = resolve_model(name, config=config, announce=print)
        card = record_figures(model, config)
        if chosen.out is None:
            write_card(model.folder, card)
        else:
            chosen.out.mkdir(parents=True, exist_ok=True)
            (chosen.out / f"{name}.json").write_text(json.dumps(card, indent=1) + "\n")
        print(f"{name}: {card['canaries']}")


if __name__ == "__main__":
    main()
