"""The tables of answers (tests/cases/preflight, tests/cases/upload), as bytes."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

PANELS = ["angular", "django"]
TABLE = Path(__file__).parent.parent / "cases/preflight"
ORIGIN = "https://horizon.example.com"
LINES = {
    "origin": ("Access-Control-Allow-Origin", ORIGIN),
    "credentials": ("Access-Control-Allow-Credentials", "true"),
    "methods": ("Access-Control-Allow-Methods", "PUT"),
    "headers": ("Access-Control-Allow-Headers", "content-type,x-auth-token,x-csrftoken"),
}
GRANT = "\r\n".join(["Vary: Origin", *(f"{name}: {value}" for name, value in LINES.values())])


@dataclass
class Case:
    name: str
    answer: bytes
    rules: dict = field(default_factory=dict)
    unknown: str | None = None
    differs: dict = field(default_factory=dict)

    def verdict(self, panel: str) -> str:
        """The operator's."""
        return "unknown" if self.unknown else "refused" if self.rules[panel] else "granted"

    def sends(self, browser: str, panel: str) -> bool:
        """Whether this browser sends the panel's upload."""
        return self.differs[panel].get(browser, self.verdict(panel)) == "granted"


def load() -> list[Case]:
    tables = [yaml.safe_load(file.read_text()) for file in sorted(TABLE.glob("*.yaml"))]
    assert len(set().union(*tables)) == sum(map(len, tables)), "a name stands in two files"
    return [
        Case(
            name,
            answer(case),
            {"angular": case.get("rule"), "django": case.get("django", case).get("rule")},
            case.get("unknown"),
            {"angular": case.get("differs", {}), "django": case.get("django", case).get("differs", {})},
        )
        for table in tables
        for name, case in table.items()
    ]


@dataclass
class Upload:
    """An answer to the upload itself."""

    name: str
    answer: bytes
    reads: list

    @property
    def status(self) -> int:
        return int(self.answer.split()[1])


def load_uploads() -> list[Upload]:
    """Those that browsers neither follow nor ask a password for."""
    table = yaml.safe_load((TABLE.parent / "upload/answers.yaml").read_text())
    glance = ['WWW-Authenticate: Keystone uri="https://keystone.example.com"']
    return [
        Upload(f"put-{name}", head({"status": "401 Unauthorized", "more": glance, **case}), case.get("reads", PANELS))
        for name, case in table.items()
        if case.get("browser", True)
    ]


def head(case: dict) -> bytes:
    lines = [f"HTTP/1.1 {case['status']}"]
    for key in ["origin", "credentials"]:
        name, usual = LINES[key]
        values = case.get(key, usual)
        lines += [f"{name}: {value}" for value in (values if isinstance(values, list) else [values])]
    lines += [*case["more"], "Content-Length: 0", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


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
