"""What people are told about the edge: whether what users send is encrypted, and until when."""

from ostiary.cli.output import Result


def encryption(status: Result) -> str:
    """Return how users' connections are protected, and what to write where they are not."""
    certificate = status["certificate"]
    if certificate is not None:
        return f"TLS, certificate until {certificate['not_after'][:10]}"
    if str(status["issuer"]).startswith("https://"):
        return f"none here, on this machine only: a proxy in front ends TLS for {status['issuer']}"
    return "none (plain HTTP), on this machine only; for others, set [edge] certificate and key"


def certificate_warning(status: Result) -> str:
    """Return a line about what is wrong with the certificate; nothing where all is well."""
    problem = (status.get("certificate") or {}).get("problem")
    return f"warning: certificate: {problem}" if problem else ""
