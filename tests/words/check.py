"""Says where a text breaks the rules of tests/words/README.md; the exit code is 1 then.

    tests/words/run [--strings] [FILE...]    without files: everything that git knows
"""

import re
import subprocess
import sys
from pathlib import Path

import text

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LONGEST = 30
# Files whose text is not ours to choose, or that hold test data.
OTHERS = re.compile(r"^(tests/(?!.*README\.md$)|target/|LICENSE|Cargo|crds/|.*/files/|deploy/monitoring/screenshot/|deploy/olm/|docs/.*\.(png|svg)$)")
# The changelog of releases that are out stays as it was published.
PUBLISHED = re.compile(r"^## \[\d", re.M)

# The first line of a rule's page is its title in crates/api/src/rule.rs.
RULE = re.compile(r"^docs/runbook/DU\d+\.md$")


def main(arguments):
    files = [name for name in arguments if not name.startswith("--")] or known()
    complaints = []
    for name in files:
        content = (ROOT / name).read_text(encoding="utf-8")
        if name == "CHANGELOG.md":
            content = PUBLISHED.split(content)[0]
        complaints += [f"{name}:{line}: {fault}" for line, fault in judge(name, content)]
        if "--strings" in arguments and name.endswith(".rs") and "/tests/" not in name:
            complaints += [f"{name}:{line}: {fault}" for line, fault in words(text.strings(content))]
    complaints += spelling(files)
    print("\n".join(complaints), file=sys.stderr) if complaints else None
    print(f"words: {len(files)} files, {len(complaints)} complaints")
    return bool(complaints)


def known():
    """The files that people read."""
    names = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True).splitlines()
    kinds = (".md", ".rs", ".yaml", ".yml", ".tpl", ".json", ".toml", "Makefile", "NOTES.txt")
    return [n for n in names if n.endswith(kinds) and not OTHERS.match(n) and (ROOT / n).is_file()]


def banned(path=HERE / "banned.txt"):
    """(pattern, what to write instead) of each line."""
    pairs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, _, instead = line.partition(" => ")
            # A capital in the pattern counts: it begins a sentence.
            flags = 0 if pattern != pattern.lower() and "\\" not in pattern else re.I
            pairs.append((re.compile(rf"(?<![\w-])(?:{pattern.strip()})(?![\w-])", flags), instead.strip()))
    return pairs


BANNED = banned()


def judge(name, content):
    """(line, fault) of each place that breaks a rule."""
    passages = [(line, passage) for line, passage in text.passages(name, content) if line > 1 or not RULE.match(name)]
    found = words(passages)
    for line, passage in passages if name.endswith(".md") else []:
        long = [s for s in text.sentences(passage) if text.length(s) > LONGEST]
        found += [(line, f"a sentence of {text.length(s)} words, at most {LONGEST}: “{s[:60]}…”") for s in long]
    return found


def words(passages):
    """(line, fault) of each banned word."""
    found = []
    for line, passage in passages:
        for pattern, instead in BANNED:
            hit = pattern.search(passage)
            if hit:
                around = passage[max(0, hit.start() - 30) : hit.end() + 30]
                found.append((line, f"“{hit[0]}” in “…{around}…”: write {instead}"))
    return found


def spelling(files):
    """What codespell finds, in code and comments alike."""
    command = [sys.executable, "-m", "codespell_lib", "--ignore-words", str(HERE / "spelling.txt"), *files]
    result = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    if result.returncode not in (0, 65) or result.stderr.strip() and not result.stdout:
        return [f"codespell: {result.stderr.strip()}"]
    return result.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
