"""TLS errors: the trusted certificates, the server's one, the handshake, and the remedies."""

from __future__ import annotations

import os
import re
import ssl

from urllib3.util.ssl_match_hostname import CertificateError

from ihp_backend.label_studio.web.no_connection import NoConnection, within

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

# OpenSSL's X509_V_ERR_*: see its "verification" manual page.
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED, _OTHER_NAMES = 9, 10, 18, (62, 64)
NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "RECORD_LAYER_FAILURE"})
"""OpenSSL's reasons where the other side speaks something else."""


def ca_bundle() -> tuple[str, str] | None:
    """The variable that names the trusted certificates, and its value; None where none does."""
    return next(((name, os.environ[name]) for name in CA_VARIABLES if os.environ.get(name)), None)


def unusable_bundle() -> NoConnection | None:
    """The fault of the file or folder of trusted certificates; None if there is none."""
    bundle = ca_bundle()
    if bundle is None:
        return None
    variable, path = bundle
    why = ""
    try:
        if not os.path.exists(path):
            why = "does not exist"
        elif not os.path.isdir(path):
            ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        why = "holds no certificate (PEM)"
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
    if not why:
        return None
    return NoConnection(f"{variable} names {path}, which {why}", f"correct {variable}, or unset it, and start again")


def of_tls(error: Exception, host: str) -> NoConnection | None:
    """The TLS error with a host behind an exception; None if it is of another kind."""
    certificate, name = within(error, ssl.SSLCertVerificationError), within(error, CertificateError)
    if name or (certificate and certificate.verify_code in _OTHER_NAMES):
        names = re.search(r"doesn't match (?:either of )?(.+)$", str(name))
        other = f" (it is for {names[1][:100]})" if names else ""
        return NoConnection(
            f"its certificate is not for the name {host}{other}",
            "use a name in {setting} that is in the certificate, or give {server} a certificate with this one",
        )
    if certificate:
        return _untrusted(certificate.verify_code, certificate.verify_message)
    handshake = within(error, ssl.SSLError)
    return _of_handshake(handshake) if handshake else None


def is_about_certificate(error: Exception) -> bool:
    """Whether an error is about a certificate that was not accepted."""
    return within(error, ssl.SSLCertVerificationError, CertificateError) is not None


def _untrusted(code: int, message: str) -> NoConnection:
    if code == _EXPIRED:
        return NoConnection("its certificate has expired", "renew the certificate of {server}, or set the clock here")
    if code == _NOT_YET_VALID:
        return NoConnection(
            "its certificate is not valid yet", "set the clock of this machine, or renew the certificate of {server}"
        )
    kind, bundle = "self-signed" if code == _SELF_SIGNED else message, ca_bundle()
    where, also = (f"by {bundle[0]}={bundle[1]}", f", or add it to {bundle[1]}") if bundle else ("here", "")
    return NoConnection(
        f"its certificate is not trusted {where} ({kind})",
        "set REQUESTS_CA_BUNDLE to a file with the certificate of your company's CA (or the self-signed one itself)"
        f"{also}, and start again",
    )


def _of_handshake(error: ssl.SSLError) -> NoConnection:
    reason = error.reason or ""
    if reason in NO_TLS:
        return NoConnection("it does not speak https at this port", "write http:// in {setting}, or its https port")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return NoConnection(
            "the TLS handshake was broken off",
            "check the port in {setting} and whether it is one for https, and look into the log of {server}",
            passing=True,
        )
    if "CERTIFICATE" in reason and "ALERT" in reason:
        return NoConnection(
            f"it wants a certificate of its clients ({reason})",
            "client certificates are not supported: let this machine in without one, or give an address in {setting} "
            "at which none is wanted",
        )
    return NoConnection(
        f"the TLS handshake failed ({reason or 'no reason given'})",
        "check the TLS settings of {server} (versions, ciphers, names), and whether the port in {setting} is for https",
    )
