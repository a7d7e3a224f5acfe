"""TLS at the listener: what is spoken, and where the certificate comes from.

Versions and cipher suites are those of RFC 9325 (BCP 195): TLS 1.2 only with forward secrecy and
authenticated encryption, TLS 1.3 as it is.
"""

from ostiary.edge.xds import JsonObject

CERTIFICATE = "certificate"
"""Name under which Envoys ask for the certificate and its key."""

CERTIFICATE_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

_CONTEXT = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
_PARAMETERS = {
    "tls_minimum_protocol_version": "TLSv1_2",
    "tls_maximum_protocol_version": "TLSv1_3",
    # For TLS 1.2; those of TLS 1.3 are all good and cannot be chosen.
    "cipher_suites": [
        "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
        "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
    ],
    "ecdh_curves": ["X25519MLKEM768", "X25519", "P-256", "P-384"],
}


def transport_socket(certificates: JsonObject) -> JsonObject:
    """Return the listener's transport socket; `certificates` comes from one of those below."""
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": _CONTEXT,
            "common_tls_context": {
                "tls_params": _PARAMETERS,
                "alpn_protocols": ["h2", "http/1.1"],
                **certificates,
            },
        },
    }


def watched_certificate(source: JsonObject) -> JsonObject:
    """Return the reference to the certificate in a file, which is taken anew when it changes."""
    return {"tls_certificate_sds_secret_configs": [{"name": CERTIFICATE, "sds_config": source}]}


def inline_certificate(secret: JsonObject) -> JsonObject:
    """Return the certificate of a secret itself, for validation."""
    return {"tls_certificates": [secret["tls_certificate"]]}


def secret(chain: str, key: str) -> JsonObject:
    """Return certificate chain and key, both PEM, as the one resource that Envoys take."""
    pair = {"certificate_chain": {"inline_string": chain}, "private_key": {"inline_string": key}}
    return {"name": CERTIFICATE, "tls_certificate": pair}
