"""Run by hand: what the W3C feed validator says of a folder of outputs.

    python tests/corpora/run_feedvalidator.py VALIDATOR OUTPUTS

VALIDATOR is a checkout of github.com/w3c/feedvalidator, run by a Python that has what its
requirements.txt asks for; OUTPUTS a folder that `aggregator publish` wrote. Every Atom, RSS and
OPML file in it is validated under the address that its self link names, and at the strictness
of the public service (errors and warnings). The counts are printed by kind with one example;
exit status 1 if there is any that is not exempt.
"""

import re
import sys
from collections import Counter
from pathlib import Path

SELF = re.compile(rb'<(?:atom:)?link (?=[^>]*rel="self")[^>]*href="([^"]*)"')


def main(validator: Path, outputs: Path) -> int:
    sys.path.insert(0, str(validator / "src"))
    import feedvalidator
    from feedvalidator import compatibility
    from feedvalidator.formatter.text_plain import Formatter

    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    files = sorted(path for path in outputs.rglob("*") if path.suffix in {".xml", ".atom"})
    for path in files:
        data = path.read_bytes()
        found = SELF.search(data)
        base = found[1].decode().replace("&amp;", "&") if found else path.as_uri()
        events = feedvalidator.validateString(data, firstOccurrenceOnly=0, base=base)["loggedEvents"]
        for event in compatibility.AA(events):
            kind = type(event).__name__
            level = "error" if isinstance(event, feedvalidator.logging.Error) else "warning"
            counts[f"{level} {kind}"] += 1
            text = " ".join(Formatter([event]))
            examples.setdefault(
                f"{level} {kind}",
                f"{path.relative_to(outputs)}: {text} {event.params.get('value', '')!s:.200}",
            )
    for kind, count in counts.most_common():
        print(f"{count:6} {kind}\n       {examples[kind]}")
    print(f"{len(files)} files, {sum(counts.values())} errors and warnings")
    return 1 if counts else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
