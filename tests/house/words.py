#!/usr/bin/env python3
"""The library's messages speak of no command line: no string literal of src/ names a flag or a verb of
the program; cli/advice.c adds those.  Exempt are the style sheet of the pages and the alarms, which go
into the files of a run.
usage: words.py SOURCE"""
import pathlib
import re
import sys

EXEMPT = {"src/viz/page/page_style.c", "src/train/alarms.c"}
TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|'(?:\\.|[^'\\])+'|"((?:\\.|[^"\\\n])*)\"""", re.S)
SPEAKS = re.compile(r"(?<![\w-])--[a-z]|`reverie|\breverie (?=[a-z`])")


def faults(text):
    for token in TOKEN.finditer(text):
        if token[1] and SPEAKS.search(token[1]):
            yield text.count("\n", 0, token.start()) + 1, token[1]


planted = 'f(\'"\', "choose --run"); /* "--force" */ g("look at `reverie "\n"figure`");'
assert [line for line, _ in faults(planted)] == [1, 1], "the check finds no planted flag"

root, bad = pathlib.Path(sys.argv[1]), 0
for file in sorted(path for end in ("c", "h", "inc", "def") for path in root.glob(f"src/**/*.{end}")):
    path = str(file.relative_to(root))
    for line, literal in [] if path in EXEMPT else faults(file.read_text()):
        bad += 1
        print(f'{path}:{line}: "{literal}" names a flag or a verb; see cli/advice.c', file=sys.stderr)
sys.exit(bad > 0)
