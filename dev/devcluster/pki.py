"""The cluster's own certificate authority and the certificates below it.

One authority signs everything, as a development cluster needs no separation of trust between its parts; the names and
groups inside the certificates are the ones a real cluster uses, so that RBAC and Node authorisation decide as there.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY = dt.timedelta(days=825)  # the longest that TLS clients of every platform accept


@dataclass(frozen=True)
class KeyPair:
    """Paths of a PEM certificate and its private key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Subject:
    """Who a certificate speaks for: a user, the groups it belongs to, and the addresses it may serve."""

    user: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def name(self) -> x509.Name:
        """The X.509 name: Kubernetes reads the user from CN and each group from an O."""
        organisations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in self.groups]
        return x509.Name([*organisations, x509.NameAttribute(NameOID.COMMON_NAME, self.user)])

    def alternative_names(self) -> list[x509.GeneralName]:
        """The hosts as DNS names or IP addresses."""
        return [_general_name(host) for host in self.hosts]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class Authority:
    """A certificate authority kept in a directory; opening it again continues with the same key."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory = directory
        self.files = KeyPair(directory / "ca.crt", directory / "ca.key")
        if not self.files.certificate.exists():
            self._create()
        loaded = serialization.load_pem_private_key(self.files.key.read_bytes(), password=None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        self._key = loaded
        self._certificate = x509.load_pem_x509_certificate(self.files.certificate.read_bytes())

    def issue(self, file_name: str, subject: Subject) -> KeyPair:
        """A certificate for `subject`, valid as server and as client; written anew at every call."""
        files = KeyPair(self.directory / f"{file_name}.crt", self.directory / f"{file_name}.key")
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = _unsigned(subject.name(), self._certificate.subject, key.public_key())
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if subject.hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(subject.alternative_names()), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        write_private_key(files.key, key)
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return files

    def _create(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = Subject("coppice-dev").name()
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        builder = _unsigned(name, name, key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        certificate = builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
        write_private_key(self.files.key, key)
        self.files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def service_account_key(directory: Path) -> Path:
    """The key that signs service account tokens; kept, so that tokens outlive a restart."""
    path = directory / "service-account.key"
    if not path.exists():
        write_private_key(path, ec.generate_private_key(ec.SECP256R1()))
    return path


def write_private_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write `key` as PEM that only the owner can read."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


def _unsigned(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + VALIDITY)
    )
