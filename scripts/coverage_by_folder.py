"""Prints how many lines of the C++ library the tests reach, by folder, from gcovr's JSON summary.

    gcovr … --json-summary - | python scripts/coverage_by_folder.py
"""

import collections
import json
import sys
from pathlib import PurePath


def main() -> None:
    lines, reached = collections.Counter(), collections.Counter()
    for file in json.load(sys.stdin)["files"]:
        for folder in (str(PurePath(file["filename"]).parent), "all"):
            lines[folder] += file["line_total"]
            reached[folder] += file["line_covered"]
    print(f"{'folder':24}{'lines':>8}{'reached':>9}{'':>4}%")
    for folder in sorted(lines, key=lambda name: (name == "all", name)):
        print(f"{folder:24}{lines[folder]:8,}{reached[folder]:9,}{100 * reached[folder] / max(1, lines[folder]):7.1f}")


if __name__ == "__main__":
    main()
