"""The prose of a file: what people read, without code.

In: the path and the text of a file. Out: passages, each with its line number. A passage is a paragraph,
an item of a list, a cell of a table, a comment, or a text of an alert or a dashboard.
"""

import json
import re

FENCE = re.compile(r"^\s*(```+|~~~+)")
GENERATED = re.compile(r"<!-- generated:.*?<!-- /generated -->", re.S)
ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(?:\[[ x]\]\s+)?")


def passages(path, text):
    """(line, passage) of each piece of prose."""
    name = path.rsplit("/", 1)[-1]
    if name.endswith(".md"):
        return markdown(text)
    if name.endswith(".rs"):
        return rust(text)
    if name.endswith(".json"):
        return dashboard(text)
    if name.endswith((".yaml", ".yml", ".tpl", ".toml")) or name in ("Makefile", "NOTES.txt"):
        return hashes(text)
    return []


def markdown(text):
    """Prose without code blocks, comments, and tables that come from the Rust types."""
    text = GENERATED.sub(_blank, text)
    text = re.sub(r"<!--.*?-->", _blank, text, flags=re.S)
    found, at, words, fence = [], 0, [], None

    def end():
        if words:
            found.append((at, _plain(" ".join(words))))
            words.clear()

    for number, line in enumerate(text.split("\n"), 1):
        mark = FENCE.match(line)
        if fence or mark:
            end()
            if not fence:
                fence = mark[1]
            elif mark and mark[1].startswith(fence) and line.strip() == mark[1]:
                fence = None
            continue
        stripped = line.strip()
        if stripped.startswith("|"):
            end()
            found.extend((number, _plain(cell)) for cell in re.split(r"(?<!\\)\|", stripped) if cell.strip(" :-"))
            continue
        if not stripped or stripped.startswith("#") or ITEM.match(line) or stripped.startswith(">"):
            end()
        if stripped:
            if not words:
                at = number
            words.append(ITEM.sub("", line).strip().lstrip("#> "))
        if stripped.startswith("#"):
            end()
    end()
    return found


def rust(text):
    """Comments and documentation of a Rust file, without examples in code."""
    return _comments(text, re.compile(r"^\s*//[/!]?(?!/) ?(.*)$"))


def strings(text):
    """Texts in the code of a Rust file that have a space, and so are for people."""
    found = []
    code = re.sub(r"^[ \t]*//.*$", "", text, flags=re.M)
    for string in re.finditer(r'"((?:[^"\\]|\\.)*)"', code, re.S):
        if " " in string[1] and "\n[" not in string[1]:
            words = re.sub(r"\\\n\s*", "", string[1])
            found.append((code.count("\n", 0, string.start()) + 1, _plain(words)))
    return found


def hashes(text):
    """Comments behind `#`, and the values that people read (summary, description)."""
    found = _comments(text, re.compile(r"^\s*#(?!!)[ -]*(.*)$"))
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        value = re.match(r"^(\s*(?:- )?)(?:summary|description|label|about|name|displayName|message):\s+(.+)$", line)
        if not value:
            continue
        words = [value[2]]
        if value[2][0] in "|>":
            words = []
            for below in lines[number:]:
                if below.strip() and len(below) - len(below.lstrip()) <= len(value[1]):
                    break
                words.append(below.strip())
        found.append((number, _plain(re.sub(r"\{\{.*?\}\}", "X", " ".join(words)).strip("\"'"))))
    return found


def dashboard(text):
    """Titles, descriptions and legends of a Grafana dashboard."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        value = re.match(r'^\s*"(?:title|description|legendFormat|label|displayName|text)": ("(?:[^"\\]|\\.)*")', line)
        if value:
            found.append((number, _plain(json.loads(value[1]))))
    return found


def _comments(text, pattern):
    found, words, at, fence = [], [], 0, False

    def end():
        if words:
            found.append((at, _plain(" ".join(words))))
            words.clear()

    for number, line in enumerate(text.split("\n"), 1):
        comment = pattern.match(line)
        piece = comment[1].strip() if comment else ""
        if comment and piece.startswith("```"):
            fence = not fence
            piece = ""
        if not comment:
            fence = False
        if not piece or fence or ITEM.match(piece) or piece.startswith("|"):
            end()
        if piece and not fence:
            if not words:
                at = number
            words.append(ITEM.sub("", piece).lstrip("# "))
    end()
    return found


def _plain(text):
    """Markdown's marks taken off: code becomes one word, a link becomes its text."""
    text = re.sub(r"``.+?``|`[^`]*`", "`code`", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)\s]*\)", r"\1", text)
    text = re.sub(r"https?://\S+", "`address`", text)
    return re.sub(r"\*\*|__", "", text)


def _blank(match):
    return "\n" * match[0].count("\n")


def sentences(passage):
    """The sentences of a passage. A dot inside a name or a number ends none."""
    return [piece for piece in re.split(r"(?<=[.!?])[)\"'*]*\s+(?=[^a-z])", passage) if piece.strip()]


def length(sentence):
    """How many words a sentence has."""
    return len(re.findall(r"[^\W_](?:[\w'’./:=@-]*\w)?|`code`|`address`", re.sub(r"`(code|address)`", "code", sentence)))
