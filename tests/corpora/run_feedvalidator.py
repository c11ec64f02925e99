"""Run by hand: what the W3C feed validator says of a folder of outputs.

    python tests/corpora/run_feedvalidator.py VALIDATOR OUTPUTS

VALIDATOR is a checkout of github.com/w3c/feedvalidator, run by a Python that has what its
requirements.txt asks for; OUTPUTS a folder that `aggregator publish` wrote. Every Atom, RSS and
OPML file in it is validated under the address that its self link names, at the strictness
of the public service (errors and warnings). The counts are printed by kind, with an example;
exit status 1 if there is any that `EXEMPT` does not name.
"""

import importlib
import re
import sys
from collections import Counter
from pathlib import Path

# Findings about what a source wrote and this program hands on as it is.
EXEMPT = {
    "DangerousStyleAttr": "the validator's list of style properties is of 2006; ours is in refine/policy.py",
    "NotHtml": "MathML and SVG, which it does not know as HTML; names with tags in OPML, which is plain text",
    "BadCharacters": "U+FFFD where the bytes of the source were broken",
    "ImplausibleDate": "articles from before 1990, or dated ahead by their source",
    "NonCanonicalURI": "ids of strangers are kept to the letter",
    "SchemeNotIANARegistered": "likewise (yt:video:...)",
    "ContainsHTML": "names of authors that hold escaped tags are text",
    "ArchiveIncomplete": "the only archive of a feed has no neighbour that it could link to",
    "UnknownNamespace": "tombstones (RFC 6721), which the validator has not heard of",
}
SELF = re.compile(rb'<(?:atom:)?link (?=[^>]*rel="self")[^>]*href="([^"]*)"')


def main(validator: Path, outputs: Path) -> int:
    sys.path.insert(0, str(validator / "src"))
    feedvalidator = importlib.import_module("feedvalidator")
    compatibility = importlib.import_module("feedvalidator.compatibility")
    formatter = importlib.import_module("feedvalidator.formatter.text_plain")

    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    files = sorted(path for path in outputs.rglob("*") if path.suffix in {".xml", ".atom"} and path.is_file())
    for path in files:
        data = path.read_bytes()
        found = SELF.search(data)
        base = found[1].decode().replace("&amp;", "&") if found else path.as_uri()
        events = feedvalidator.validateString(data, firstOccurrenceOnly=0, base=base)["loggedEvents"]
        for event in compatibility.AA(events):
            level = "error" if isinstance(event, feedvalidator.logging.Error) else "warning"
            kind = f"{level} {type(event).__name__}"
            counts[kind] += 1
            text = " ".join(formatter.Formatter([event]))
            value = str(event.params.get("value", ""))[:200]
            examples.setdefault(kind, f"{path.relative_to(outputs)}: {text} {value}")
    real = 0
    for kind, count in counts.most_common():
        reason = EXEMPT.get(kind.split()[1])
        real += 0 if reason else count
        sys.stdout.write(
            f"{count:6} {kind}{f' (exempt: {reason})' if reason else ''}\n       {examples[kind]}\n"
        )
    sys.stdout.write(
        f"{len(files)} files, {real} errors and warnings, {sum(counts.values()) - real} exempt\n"
    )
    return 1 if real else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
