"""Certificates, right ones and wrong ones, made anew for each run by openssl."""

import subprocess
from pathlib import Path

HOST = "glance.example.com"


class Pki:
    """An authority that the browsers are told to trust, and what it issued."""

    def __init__(self, folder: Path):
        self.folder = folder
        # One key for all certificates: keys do not matter here.
        self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem")
        self.key = folder / "key.pem"
        self.ca = self.self_signed("ca", "Test CA")
        name = ["-addext", f"subjectAltName=DNS:{HOST}"]
        self.trusted = self.self_signed("trusted", "self-signed", *name)
        self.trusted_leaf = self.self_signed("trusted-leaf", "leaf", *name, "-addext", "basicConstraints=critical,CA:FALSE")
        # What browsers and the program trust.
        self.given = [
            self.ca,
            self.trusted,
            self.trusted_leaf,
            self.root("ca-expired", "basicConstraints=critical,CA:TRUE", until="20250101000000Z"),
            self.root("ca-not-marked", "subjectKeyIdentifier=hash"),
            self.root("ca-may-not-issue", "basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature"),
            self.root("ca-for-clients", "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=clientAuth"),
            self.root("ca-path-length", "basicConstraints=critical,CA:TRUE,pathlen:0"),
        ]
        self.unknown_ca = self.self_signed("unknown-ca", "Unknown CA")
        self.intermediate = self.issue("intermediate", extensions="basicConstraints=critical,CA:TRUE")
        self.may_not_issue = self.issue("may-not-issue", extensions="basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature")
        self.long_between = self.issue("long-between", by="ca-path-length", extensions="basicConstraints=critical,CA:TRUE")

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def self_signed(self, name: str, subject: str, *more: str) -> Path:
        """As `openssl req -x509` makes it: a CA, unless told otherwise."""
        self.openssl("req", "-x509", "-new", "-key", "key.pem", "-subj", f"/CN={subject}", "-days", "2", "-out", f"{name}.pem", *more)
        return self.folder / f"{name}.pem"

    def root(self, name: str, extensions: str, until: str = "20490101000000Z") -> Path:
        """An authority with any extensions and times, which only `openssl ca` takes."""
        (self.folder / "root.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index.txt\ndefault_md=sha256\nrand_serial=yes\npolicy=p\n[p]\ncommonName=supplied\n"
        )
        (self.folder / "index.txt").write_text("")
        (self.folder / "root.ext").write_text(extensions + "\n")
        self.openssl("req", "-new", "-key", "key.pem", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        self.openssl(
            "ca", "-batch", "-notext", "-selfsign", "-config", "root.cnf", "-extfile", "root.ext", "-keyfile", "key.pem",
            "-in", f"{name}.csr", "-startdate", "20200101000000Z", "-enddate", until, "-out", f"{name}.pem",
        )  # fmt: skip
        return self.folder / f"{name}.pem"

    def issue(self, name: str, by: str = "ca", subject: str = "", days: int = 2, extensions: str = f"subjectAltName=DNS:{HOST}") -> Path:
        (self.folder / f"{name}.ext").write_text(extensions + "\n")
        self.openssl("req", "-new", "-key", "key.pem", "-subj", f"/CN={subject or name}", "-out", f"{name}.csr")
        self.openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", "key.pem", "-CAcreateserial",
            "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.pem",
        )  # fmt: skip
        return self.folder / f"{name}.pem"

    def chain(self, name: str, *certificates: Path) -> Path:
        path = self.folder / f"{name}.pem"
        path.write_text("".join(certificate.read_text() for certificate in certificates))
        return path
