#!/usr/bin/env python3
"""The demo's stand-in for Glance, which here also stores images for the canaries, and a Keystone for them.

cloud.py FOLDER [SECONDS]   as demo/edge.py. An image stays queued, and SECONDS from now it is six hours old.

FOLDER/timeout has seconds: a request of that duration is cut, as by a proxy in front of Glance.
"""
import datetime
import hashlib
import json
import os
import sys
import threading
import time
import urllib.parse
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../demo"))
import edge  # noqa: E402

FOLDER = sys.argv[1]
# A credential's id is its project, and its token.
LISTER = "direct-upload-lister"
GLANCE = "https://glance.example.com"
IMAGES, LOCK = {}, threading.Lock()


def stamp(ago=0.0):
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=ago)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def create(owner, ago=0.0, **fields):
    image = {**fields, "id": str(uuid.uuid4()), "owner": owner, "status": "queued", "updated_at": stamp(ago)}
    with LOCK:
        IMAGES[image["id"]] = image
    return image


def listed(project, query):
    """The images that a project may list, by the filters that Glance has."""
    with LOCK:
        images = [image for image in IMAGES.values() if project in (image["owner"], LISTER)]
    for name, value in query:
        if name == "limit":
            continue
        if name == "updated_at":
            images = [image for image in images if image[name] < value.removeprefix("lt:")]
        else:
            images = [image for image in images if image.get(name) == value]
    return images


def glance(status, *lines, body=None):
    own = ("Content-Type: application/json", f"X-Openstack-Request-Id: req-{uuid.uuid4()}")
    return edge.response(status, *own, *lines, body="" if body is None else json.dumps(body))


def keystone(request):
    sent = json.loads(request.body.read(int(request.headers["content-length"])))
    project = sent["auth"]["identity"]["application_credential"]["id"]
    endpoint = {"interface": "public", "region_id": "RegionOne", "url": GLANCE}
    token = {"project": {"id": project}, "catalog": [{"type": "image", "endpoints": [endpoint]}]}
    lines = ("Content-Type: application/json", f"X-Subject-Token: {project}")
    return edge.response("201 Created", *lines, body=json.dumps({"token": token}))


def receive(request):
    """The data's size and digest; none if it takes too long."""
    size, digest, begin = int(request.headers["content-length"]), hashlib.sha512(), time.monotonic()
    for at in range(0, size, 4096):
        digest.update(request.body.read(min(4096, size - at)))
        try:
            with open(f"{FOLDER}/timeout", encoding="ascii") as file:
                timeout = float(file.read())
        except FileNotFoundError:
            continue
        if time.monotonic() - begin > timeout:
            return None
    return size, digest.hexdigest()


class Cloud(edge.Edge):
    def answer(self, request):
        if request.host.startswith("keystone."):
            return keystone(request)
        project = request.headers.get("x-auth-token", "")
        # Preflights also send a token that nobody issued.
        if not project.startswith("direct-upload-") or not request.host.startswith("glance."):
            return super().answer(request)
        url = urllib.parse.urlsplit(request.path)
        image = url.path.removeprefix("/v2/images").removesuffix("/file").strip("/")
        if request.method == "PUT":
            return self.upload(request, image)
        if request.method == "POST":
            sent = json.loads(request.body.read(int(request.headers["content-length"])))
            return glance("201 Created", body=create(project, **sent))
        if request.method == "GET" and not image:
            return glance("200 OK", body={"images": listed(project, urllib.parse.parse_qsl(url.query))})
        with LOCK:
            found = IMAGES.pop(image, None) if request.method == "DELETE" else IMAGES.get(image)
        if not found:
            return glance("404 Not Found")
        return glance("204 No Content") if request.method == "DELETE" else glance("200 OK", body=found)

    def upload(self, request, image):
        if not (received := receive(request)):
            return None
        size, digest = received
        with LOCK:
            if image not in IMAGES:
                return glance("404 Not Found")
            IMAGES[image] |= {"status": "active", "size": size, "os_hash_algo": "sha512", "os_hash_value": digest}
        return glance("204 No Content", *edge.granted(request, edge.cors()))


HOURS = 6 * 3600
create("users", ago=HOURS + 86400, name="debian-12")
create("users", ago=HOURS - float((sys.argv[2:] or ["0"])[0]), name="windows-2025")
edge.serve(FOLDER, Cloud)
