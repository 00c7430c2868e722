"""The Dask operator takes what the chart asks of it, and makes of it pods that work as ours do."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import ExitStack
from importlib.resources import files
from subprocess import STDOUT, Popen
from typing import TYPE_CHECKING, Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml
from dask_kubernetes.operator.controller import controller
from dask_kubernetes.operator.validation import validate_cluster_name
from distributed import Client
from jsonschema import Draft7Validator
from tests.deploy.test_files import BIN
from tests.deploy.test_helm import BY_THE_OPERATOR, KUBERNETES, pods, rendered, settings_of
from tests.servers.processes import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHART_OF_THE_OPERATOR = "operator/deployment/helm/dask-kubernetes-operator"
OURS: list[dict[str, Any]] = rendered(**BY_THE_OPERATOR)
"""What the chart asks for with the values that the page has."""


def of_kind(kind: str, documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the one document of a kind."""
    [found] = [each for each in documents if each["kind"] == kind]
    return found


def cluster_of(**dask: Any) -> dict[str, Any]:
    """Return the cluster that the chart asks for with other values."""
    return of_kind("DaskCluster", rendered(dask=BY_THE_OPERATOR["dask"] | dask))


CLUSTER = of_kind("DaskCluster", OURS)
NAME: str = CLUSTER["metadata"]["name"]


def closed(schema: Any) -> Any:
    """Return a schema that refuses what it does not know: Kubernetes drops that, in silence."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(each) for key, each in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        inner.setdefault("additionalProperties", False)
    return inner


def schema_of(kind: str) -> dict[str, Any]:
    """Return what the operator has Kubernetes know of a kind."""
    file = files("dask_kubernetes") / CHART_OF_THE_OPERATOR / "crds" / f"{kind.lower()}.yaml"
    definition = yaml.load(file.read_text(), yaml.CSafeLoader)
    [version] = definition["spec"]["versions"]
    assert (definition["spec"]["names"]["kind"], version["name"]) == (kind, "v1")
    schema: dict[str, Any] = closed(version["schema"]["openAPIV3Schema"])
    schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {}}
    return schema


@pytest.mark.parametrize("kind", ["DaskCluster", "DaskAutoscaler"])
def test_the_operator_knows_all_that_it_is_asked_for(kind: str) -> None:
    validator = Draft7Validator(schema_of(kind))
    asked = of_kind(kind, OURS)
    assert asked["apiVersion"] == "kubernetes.dask.org/v1"
    assert list(validator.iter_errors(asked)) == []
    asked["spec"]["unheard"] = True
    assert [error.validator for error in validator.iter_errors(asked)] == ["additionalProperties"]
    del asked["spec"]["unheard"]


def made(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the operator makes of a cluster: scheduler, service, and one of its workers."""
    name, labels = cluster["metadata"]["name"], cluster["metadata"]["labels"]
    scheduler, worker = cluster["spec"]["scheduler"], cluster["spec"]["worker"]
    of_scheduler = labels | scheduler["metadata"]["labels"]
    build: Any = controller
    group = build.build_default_worker_group_spec(
        name, worker, {}, labels | worker["metadata"]["labels"]
    )
    return [
        build.build_scheduler_deployment_spec(name, scheduler["spec"], {}, of_scheduler),
        build.build_scheduler_service_spec(name, scheduler["service"], {}, of_scheduler),
        build.build_worker_deployment_spec(
            group["metadata"]["name"],
            "default",
            name,
            "0123456789",
            group["spec"]["worker"]["spec"],
            {},
            group["metadata"]["labels"] | worker["metadata"]["labels"],
        ),
    ]


def test_kubernetes_takes_what_the_operator_makes_of_it() -> None:
    for document in [*made(CLUSTER), *(each for each in OURS if "dask" not in each["apiVersion"])]:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_its_pods_are_those_of_the_deployments() -> None:
    """But for two names, which the operator tells a worker by itself."""
    scheduler, _, worker = (each["spec"].get("template", {}).get("spec") for each in made(CLUSTER))
    deployed = pods(rendered())
    assert scheduler == deployed["lake-scheduler"]
    [ours], [theirs] = deployed["lake-dask-worker"]["containers"], worker["containers"]
    for container in (ours, theirs):
        told = {each["name"] for each in container["env"]}
        assert {"DASK_SCHEDULER_ADDRESS", "DASK_WORKER_NAME"} <= told
        container["env"] = [each for each in container["env"] if each["name"][:8] == "VOXLAKE_"]
    assert worker == deployed["lake-dask-worker"]


def test_jobs_go_where_its_scheduler_is() -> None:
    _, service, worker = made(CLUSTER)
    named = service["metadata"]["name"]
    assert settings_of(OURS)["VOXLAKE_SCHEDULER"] == f"tcp://{named}:8786"
    [container] = worker["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}
    assert told["DASK_SCHEDULER_ADDRESS"] == f"tcp://{named}.default.svc.cluster.local:8786"


def test_who_may_reach_the_scheduler_and_watch_it() -> None:
    scheduler, service, worker = made(CLUSTER)
    policy = of_kind("NetworkPolicy", OURS)["spec"]
    [among] = policy["podSelector"]["matchExpressions"]
    for each in (scheduler, worker):
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()
        assert labels[among["key"]] in among["values"]
    [operator] = [
        source["namespaceSelector"]["matchLabels"]
        for rule in policy["ingress"]
        for source in rule["from"]
        if source.get("namespaceSelector")
    ]
    assert operator == {"kubernetes.io/metadata.name": "dask-operator"}
    assert service["spec"]["selector"].items() <= scheduler["metadata"]["labels"].items()
    watched = rendered(**BY_THE_OPERATOR, monitoring={"enabled": True})
    [monitor] = [each for each in watched if each["metadata"]["name"] == "lake-scheduler"]
    assert (
        monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    )
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_other_pods_are_another_cluster() -> None:
    """The operator lets pods be that run: an image of before would stay."""
    names = [
        cluster["metadata"]["name"]
        for cluster in (cluster_of(), cluster_of(workers=3), cluster_of(maximum=9))
    ]
    assert names == [NAME] * 3
    assert cluster_of(threads=2)["metadata"]["name"] != NAME
    image = {"repository": "registry.lab.example.org/voxlake", "tag": "next"}
    documents = rendered(**BY_THE_OPERATOR, image=image)
    other = of_kind("DaskCluster", documents)["metadata"]["name"]
    assert other != NAME
    assert settings_of(documents)["VOXLAKE_SCHEDULER"] == f"tcp://{other}-scheduler:8786"


def test_the_longest_name_is_one_for_the_operator() -> None:
    documents = rendered(name="a" * 43 + "-" + "b" * 9, **BY_THE_OPERATOR)
    validate_cluster_name(of_kind("DaskCluster", documents)["metadata"]["name"])


@pytest.mark.parametrize(
    "dask",
    [
        {"by": "operator", "scheduler": "tcp://dask:8786"},
        {"maximum": 3},
        {"by": "operator", "workers": 2, "maximum": 1},
        {"by": "hand"},
    ],
    ids=str,
)
def test_values_that_contradict_one_another_are_refused(dask: dict[str, Any]) -> None:
    with pytest.raises(helm.HelmError, match=r"dask"):
        rendered(dask=dask)


def _started(pod: dict[str, Any], here: Callable[[str], str], log: Path) -> Popen[bytes]:
    """Start the container of a pod, as a process, with what stands here for names and paths."""
    [container] = pod["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: here(each["value"]) for each in container["env"] if "value" in each}
    name = told.get("DASK_WORKER_NAME", "")
    command = [here(word.replace("$(DASK_WORKER_NAME)", name)) for word in container["command"]]
    path = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    with log.open("wb") as output:
        return Popen(command, env=os.environ | told | path, stdout=output, stderr=STDOUT)


def _end(*processes: Popen[bytes]) -> None:
    """Let processes end those that they started, too."""
    for each in processes:
        each.terminate()
    for each in processes:
        each.wait()


def test_the_operator_steers_what_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own code asks the scheduler how many workers it wants, and has one of them retired."""
    comm, dashboard = free_ports(2)
    scheduler, service, worker = made(CLUSTER)
    ports = {"tcp-comm": comm, "http-dashboard": dashboard}
    named = {port["name"]: str(port["port"]) for port in service["spec"]["ports"]}

    def here(text: str) -> str:
        text = text.replace(f"{NAME}-scheduler.default.svc.cluster.local", "127.0.0.1")
        for name, port in ports.items():
            text = text.replace(named[name], str(port))
        return text.replace("/spool", str(tmp_path))

    async def address(*_: str | None, port_name: str = "tcp-comm", **__: object) -> str:
        return f"tcp://127.0.0.1:{ports[port_name]}"

    monkeypatch.setattr(controller, "get_scheduler_address", address)
    with ExitStack() as stack:
        logs = (tmp_path / "scheduler.log", tmp_path / "worker.log")
        stack.callback(_end, *map(_started, (scheduler, worker), (here, here), logs))
        client = stack.enter_context(Client(f"tcp://127.0.0.1:{comm}", timeout=60))
        client.wait_for_workers(1, timeout=60)
        assert asyncio.run(controller.get_desired_workers("", "default")) == 0
        retired = asyncio.run(
            controller.retire_workers(1, "", "", "default", logging.getLogger("operator"))
        )
        # It is the deployments of these names that the operator deletes.
        assert retired == [worker["metadata"]["name"]]
