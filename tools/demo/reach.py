"""Is there a broker at that address? The answer is one line, and asking can be interrupted."""

from __future__ import annotations

import queue
import socket
import ssl
import threading

from tools.errors import ToolError

TIMEOUT = 5  # seconds for each step
TIMEOUT_OF_ALL = 10


def must_be_reachable(host: str, port: int, tls: ssl.SSLContext | None) -> None:
    """Raise ToolError with the reason when nothing answers there, or TLS with it fails."""
    answer: queue.Queue[str] = queue.Queue()
    # Looking up a name cannot be interrupted, so a thread does it that nobody has to wait for.
    threading.Thread(target=lambda: answer.put(_try(host, port, tls)), daemon=True).start()
    try:
        problem = answer.get(timeout=TIMEOUT_OF_ALL)
    except queue.Empty:
        problem = "no answer"
    if problem:
        raise ToolError(f"demo: no broker can be reached at {shown(host, port)}: {problem}")


def shown(host: str, port: int) -> str:
    """The address as the user writes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _try(host: str, port: int, tls: ssl.SSLContext | None) -> str:
    """Connect and disconnect; give what went wrong."""
    step = ""
    try:
        with socket.create_connection((host, port), TIMEOUT) as sock:
            if tls:
                step = "it answers, but TLS with it fails: "
                with tls.wrap_socket(sock, server_hostname=host):
                    pass
    except socket.gaierror:
        return "the name is not known"
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not accepted: {error.verify_message}"
    except (socket.timeout, TimeoutError):  # the same thing from Python 3.10 on
        return step + "no answer"
    except OSError as error:
        return step + (error.strerror or str(error)).lower()
    except UnicodeError:
        return "that is no host name"
    return ""
