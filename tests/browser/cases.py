"""The table of answers (tests/cases/preflight), as bytes."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

TABLE = Path(__file__).parent.parent / "cases/preflight"
ORIGIN = "https://horizon.example.com"
LINES = {
    "origin": ("Access-Control-Allow-Origin", ORIGIN),
    "methods": ("Access-Control-Allow-Methods", "PUT"),
    "headers": ("Access-Control-Allow-Headers", "content-type,x-auth-token,x-csrftoken"),
}
GRANT = "\r\n".join(["Vary: Origin", *(f"{name}: {value}" for name, value in LINES.values())])


@dataclass
class Case:
    name: str
    answer: bytes
    rule: str | None = None
    unknown: str | None = None
    differs: dict = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The operator's."""
        return "unknown" if self.unknown else "refused" if self.rule else "granted"

    def sends(self, browser: str) -> bool:
        """Whether this browser sends the upload."""
        return self.differs.get(browser, self.verdict) == "granted"


def load() -> list[Case]:
    tables = [yaml.safe_load(file.read_text()) for file in sorted(TABLE.glob("*.yaml"))]
    assert len(set().union(*tables)) == sum(map(len, tables)), "a name stands in two files"
    return [
        Case(name, answer(case), case.get("rule"), case.get("unknown"), case.get("differs", {}))
        for table in tables
        for name, case in table.items()
    ]


def answer(case: dict) -> bytes:
    if "raw" in case:
        return case["raw"].replace("{grant}", GRANT).encode("latin-1")
    head = case["head"].split("\n") if "head" in case else written(case)
    return "\r\n".join([*head, "", case.get("body", "")]).encode("latin-1")


def written(case: dict) -> list[str]:
    lines = [f"HTTP/1.1 {case.get('status', '200 OK')}", "Vary: Origin"]
    for key, (name, grants) in LINES.items():
        values = case.get(key, grants)
        lines += [f"{name}: {value}" for value in (values if isinstance(values, list) else [values])]
    lines += case.get("more", [])
    return lines if "body" in case else [*lines, "Content-Length: 0"]
