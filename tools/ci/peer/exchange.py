# /// script
# requires-python = ">=3.11"
# dependencies = ["id==1.6.1", "msgspec==0.22.0", "rfc3986==2.0.0", "urllib3==2.8.0"]
# ///
"""Trades the job's identity for a token that may upload to the index of UPLOAD_URL."""

import os

import msgspec.json
import urllib3
from id import detect_credential
from rfc3986 import uri_reference


class Audience(msgspec.Struct, frozen=True):
    audience: str


class Minted(msgspec.Struct, frozen=True):
    token: str


def ask(shape, method, url, **what):
    answer = urllib3.request(method, url, **what)
    if answer.status != 200:
        raise SystemExit(f"::error::{method} {url}: {answer.status}")
    return msgspec.json.decode(answer.data, type=shape)


upload = uri_reference(os.environ["UPLOAD_URL"]).normalize()
_, _, _, workspace, index = upload.path.split("/")
base = upload.copy_with(path="/v1/trusted-publishing", query=None, fragment=None).unsplit()
audience = ask(Audience, "GET", f"{base}/audience").audience
identity = detect_credential(audience=audience)
token = ask(Minted, "POST", f"{base}/{workspace}/{index}/mint-token", json={"token": identity}).token
print(f"::add-mask::{token}")
with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as output:
    print(f"token={token}", file=output)
