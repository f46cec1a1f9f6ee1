"""An authority of the tests' own and what it signs, as PEM files made by OpenSSL: no library that the services use."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """`bundle` has the key and the certificate with its authority, as Kafka reads them."""

    certificate: Path
    key: Path
    bundle: Path


class Authority:
    """Signs certificates for servers at 127.0.0.1 and for clients."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.certificate, self._key = folder / f"{name}.crt", folder / f"{name}.key"
        self._openssl(
            "req", "-x509", *_NEW_KEY, self._key, "-out", self.certificate, "-subj", f"/CN={name}", "-days", "2"
        )

    def sign(self, name: str, *, address: str = "127.0.0.1") -> Certificate:
        """Return a certificate with the common name `name`, good for `address`."""
        certificate, key, request, bundle = (self._folder / f"{name}.{end}" for end in ("crt", "key", "csr", "pem"))
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=IP:{address}\n")
        self._openssl("req", *_NEW_KEY, key, "-out", request, "-subj", f"/CN={name}")
        signer = ["-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"]
        self._openssl(
            "x509", "-req", "-in", request, *signer, "-out", certificate, "-days", "2", "-extfile", extensions
        )
        bundle.write_text(key.read_text() + certificate.read_text() + self.certificate.read_text())
        return Certificate(certificate, key, bundle)

    def _openssl(self, *arguments: str | Path) -> None:
        subprocess.run(["openssl", *arguments], capture_output=True, check=True)


_NEW_KEY = ("-newkey", "rsa:2048", "-nodes", "-keyout")
