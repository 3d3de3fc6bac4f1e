"""Hands a role's credentials to containers, renewed, as SageMaker does:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html

SageMaker's own endpoint is 169.254.170.2, which `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` names a
path of. Here it is a port of the loopback, so the whole address is given, with a token of its own
for each job: any SDK asks there again before what it has ends.
"""

import hmac
import json
import logging
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.aws import Role
from rehearsal.settings import HOST

_log = logging.getLogger(__name__)
_PATH = "/v2/credentials"


class CredentialsEndpoint:
    """Listens from the first issue on. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._roles: dict[str, Role] = {}
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def issue(self, role: Role) -> dict[str, str]:
        """The environment variables by which a container has the role's credentials, until
        `revoke` is called with them.
        """
        token = secrets.token_urlsafe(32)
        with self._lock:
            server = self._server or self._listen()
            self._roles[token] = role
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{HOST}:{server.server_port}{_PATH}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        }

    def revoke(self, variables: dict[str, str]) -> None:
        """Takes them back; what is issued no longer is no error."""
        with self._lock:
            self._roles.pop(variables.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", ""), None)

    def close(self) -> None:
        """Revokes all, and listens no more."""
        with self._lock:
            server, thread = self._server, self._thread
            self._server = self._thread = None
            self._roles.clear()
        if server and thread:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, path: str, token: str) -> tuple[HTTPStatus, dict[str, str]]:
        """What the endpoint says to a request."""
        with self._lock:
            known = list(self._roles.items())
        # All are compared, each in a time that does not depend on the token.
        found = [role for key, role in known if hmac.compare_digest(key.encode(), token.encode())]
        if path != _PATH or not found:
            return HTTPStatus.FORBIDDEN, {"message": "There are no credentials for this token."}
        try:
            credentials = found[0].credentials
        except (ClientError, BotoCoreError) as error:
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"message": str(error)}
        expiration = credentials.expiration
        return HTTPStatus.OK, {
            "RoleArn": found[0].arn,
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.session_token or "",
            "Expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ") if expiration else "",
        }

    def _listen(self) -> ThreadingHTTPServer:
        endpoint = self

        class _Handler(BaseHTTPRequestHandler):
            timeout = 10.0

            def do_GET(self) -> None:
                status, answer = endpoint.answer(self.path, self.headers.get("Authorization", ""))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                _log.debug(format, *args)

        self._server = ThreadingHTTPServer((HOST, 0), _Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="credentials", daemon=True
        )
        self._thread.start()
        return self._server
