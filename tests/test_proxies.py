"""deploy/nginx.conf and deploy/Caddyfile in a real nginx and Caddy on loopback, with certificates of their own making:
pages, uploads, API, limits."""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import ROOT, SOON, serve
from playwright.sync_api import Browser, expect

NGINX = """daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/proxy.log warn;
events {{ }}
http {{
    access_log off;
    {temporary}
    include {home}/site.conf;
}}
"""
PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
CADDY = """{{
    admin off
    skip_install_trust
    default_bind 127.0.0.1
    default_sni 127.0.0.1
    auto_https disable_redirects
    storage file_system {home}/caddy
    log {{
        output file {home}/proxy.log
    }}
}}
"""
LIMIT = 20 << 20  # bytes of a photo
FOUND = {
    name: shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    for name in ("nginx", "caddy")
}
PACKAGES = {"nginx": "nginx-light", "caddy": "caddy"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def replaced(text: str, **values: str) -> str:
    """`text` with each documented value replaced by that of this machine."""
    for documented, here in values.items():
        assert documented in text
        text = text.replace(documented, here)
    return text


def nginx(home: Path, app: str, port: int) -> list[str]:
    """Write nginx's files for the documented site before `app`; the command that runs them."""
    made = ["-subj", "/CN=localhost", "-days", "1", "-keyout", home / "key.pem", "-out", home / "cert.pem"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *made], check=True, capture_output=True)
    here = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "http://127.0.0.1:8501": app,
        "/etc/letsencrypt/live/demo.example.com/fullchain.pem": f"{home}/cert.pem",
        "/etc/letsencrypt/live/demo.example.com/privkey.pem": f"{home}/key.pem",
    }
    (home / "site.conf").write_text(replaced((ROOT / "deploy" / "nginx.conf").read_text(), **here))
    temporary = " ".join(f"{place}_temp_path {home}/{place};" for place in PLACES)
    (home / "nginx.conf").write_text(NGINX.format(home=home, temporary=temporary))
    return [str(FOUND["nginx"]), "-c", f"{home}/nginx.conf", "-p", str(home)]


def caddy(home: Path, app: str, port: int) -> list[str]:
    """The same for Caddy, which signs the certificate of an address such as 127.0.0.1 itself."""
    here = {"{$DOMAIN}": f"https://127.0.0.1:{port}", "busana:8501": urlsplit(app).netloc}
    site = replaced((ROOT / "deploy" / "Caddyfile").read_text(), **here)
    (home / "Caddyfile").write_text(CADDY.format(home=home) + site)
    return [str(FOUND["caddy"]), "run", "--config", f"{home}/Caddyfile", "--adapter", "caddyfile"]


CONFIGURE: dict[str, Callable[[Path, str, int], list[str]]] = {"nginx": nginx, "caddy": caddy}


@contextmanager
def running(name: str, home: Path, app: str) -> Iterator[str]:
    """The address of the proxy `name` before `app`, with its files and its proxy.log in `home`."""
    port = free_port()
    command = CONFIGURE[name](home, app, port)
    process = subprocess.Popen(
        command, env=os.environ | {"HOME": str(home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process, home)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module", params=FOUND)
def kind(request) -> str:
    if not FOUND[request.param]:
        pytest.skip(f"no {request.param}: apt-get install {PACKAGES[request.param]}")
    if request.param == "nginx" and not shutil.which("openssl"):
        pytest.skip("no openssl, which makes the certificate")
    return request.param


@pytest.fixture(scope="module")
def proxy(kind, tmp_path_factory) -> Iterator[str]:
    """The address of the proxy before a shared server."""
    home = tmp_path_factory.mktemp(kind)
    (home / "weights").mkdir()
    (home / "weights" / "sample-mobilenet").symlink_to(ROOT / "weights" / "sample-mobilenet")
    with serve(home, BUSANA_SHARED="1", STREAMLIT_SERVER_MAX_UPLOAD_SIZE="20") as server:
        with running(kind, home, server.url) as address:
            yield address
        log = (home / "proxy.log").read_text()
        assert "buffered to a temporary file" not in log, "a visitor's photo was on the disk"


def _wait_for(port: int, process: subprocess.Popen, home: Path) -> None:
    """Until it answers: a certificate may be made only after the port is open."""
    end, context = time.monotonic() + 60, ssl._create_unverified_context()
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain):
                return
        except OSError:
            time.sleep(0.05)
    log = home / "proxy.log"
    pytest.fail(f"it did not start:\n{log.read_text() if log.exists() else ''}")


def ask(proxy: str, method: str, path: str, body: bytes | None = None, source: str = "127.0.0.1", **headers: str):
    """The answer and its body."""
    context = ssl._create_unverified_context()
    port = urlsplit(proxy).port
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port, context=context, timeout=120, source_address=(source, 0)
    )
    # Refused before all was sent: the answer is there all the same.
    with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer, answer.read()


def send_photo(proxy: str, photo: bytes, **options: str) -> tuple[HTTPResponse, dict]:
    head = b'--mark\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    form = {"content_type": "multipart/form-data; boundary=mark"}
    answer, body = ask(proxy, "POST", "/api/predict", head + photo + b"\r\n--mark--\r\n", **form, **options)
    return answer, json.loads(body)


def test_every_answer_has_the_headers_and_no_figures_are_given_away(proxy, kind):
    for path, status in (("/", 200), ("/healthz", 200), ("/metrics", 404)):
        answer, _ = ask(proxy, "GET", path)
        assert answer.status == status
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert answer.headers["Server"].casefold() in (kind, "uvicorn"), "no version"
        assert path == "/metrics" or "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]


def test_a_photo_is_answered_up_to_the_limit_and_refused_in_a_sentence_above_it(proxy):
    photo = next((ROOT / "examples").rglob("*.jpg")).read_bytes()
    answer, found = send_photo(proxy, photo)
    assert answer.status == 200 and len(found["top"]) == 3
    answer, found = send_photo(proxy, photo + bytes(LIMIT - len(photo)))
    assert (answer.status, found["error"]) == (200, None), "what follows the end of a JPEG is as good as nothing"
    answer, found = send_photo(proxy, photo + bytes(LIMIT + 1 - len(photo)))
    assert (answer.status, found["error"]) == (422, "larger than 20 MB")
    answer, found = send_photo(proxy, bytes(22 << 20))
    assert (answer.status, found["error"]) == (413, "The photos are larger than 20 MB together: send smaller ones.")


def test_the_limits_are_for_each_address_whatever_a_visitor_claims(proxy):
    for _ in range(120):
        answer, found = send_photo(proxy, b"x", source="127.0.0.2")
        if answer.status == 429:
            break
    assert answer.status == 429 and "photos a minute" in found["error"] and int(answer.headers["Retry-After"]) >= 1
    claimed = {"X_Forwarded_For": "203.0.113.7", "X_Real_IP": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    codes = {send_photo(proxy, b"x", source="127.0.0.2", **claimed)[0].status for _ in range(5)}
    assert 429 in codes, "another name in a header is no other visitor"
    assert send_photo(proxy, b"x", source="127.0.0.3")[0].status == 422


def test_a_web_page_of_another_site_may_not_ask_and_this_one_may(proxy):
    assert send_photo(proxy, b"x", Origin="https://evil.example")[0].status == 403
    assert send_photo(proxy, b"x", Origin=proxy)[0].status == 422, "its own pages may, on any port"


def test_a_server_that_is_away_is_a_sentence(kind, tmp_path):
    with running(kind, tmp_path, f"http://127.0.0.1:{free_port()}") as address:
        answer, body = ask(address, "GET", "/")
        assert answer.status == 502
        assert body.strip() == b"Busana is starting or stopped: try again in a minute."


def test_a_person_drops_a_photo_and_reads_the_answer(proxy, browser: Browser):
    with browser.new_context(ignore_https_errors=True) as context:
        context.set_default_timeout(2 * SOON)
        page = context.new_page()
        page.goto(f"{proxy}/predict")
        page.locator('input[type="file"]').first.set_input_files(next((ROOT / "examples").rglob("*.jpg")))
        expect(page.get_by_text(re.compile(r"percentages are confidence"))).to_be_visible(timeout=2 * SOON)
        assert page.evaluate("performance.getEntriesByType('resource').every(each => each.name.startsWith(origin))")
