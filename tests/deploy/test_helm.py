"""The chart renders to what Kubernetes takes, and to pods that may do little."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml
from tests.docs.pages import ROOT, blocks_of

from voxlake.platform.settings import Settings

CHART = ROOT / "deploy" / "helm" / "voxlake"
PAGE = ROOT / "deploy" / "helm" / "README.md"
KUBERNETES = "1.34"
SECRETS = {
    "VOXLAKE_DATABASE_URL",
    "VOXLAKE_LINK_KEY",
    "VOXLAKE_OIDC_CLIENT_SECRET",
    "VOXLAKE_S3_ACCESS_KEY_ID",
    "VOXLAKE_S3_SECRET_ACCESS_KEY",
}

VALUES: dict[str, Any]
BY_THE_OPERATOR: dict[str, Any]
VALUES, BY_THE_OPERATOR = (
    yaml.safe_load(block.code) for block in blocks_of(PAGE.read_text()) if block.language == "yaml"
)
"""Those that the page has."""


def rendered(name: str = "lake", **others: Any) -> list[dict[str, Any]]:
    """Return what is asked of Kubernetes, with the values of the page and others."""
    with helm.Chart.load(CHART) as chart:
        texts = chart.render(VALUES | others, name=name, namespace="default")
    documents = [each for text in texts.values() for each in yaml.safe_load_all(text)]
    return [document for document in documents if document]


def settings_of(documents: list[dict[str, Any]]) -> dict[str, str]:
    """Return the settings that are not secret."""
    [data] = [each["data"] for each in documents if each["metadata"]["name"] == "lake-settings"]
    return dict(data)


def pods(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what pods are to be, by the name of what makes them."""
    found = {}
    for each in documents:
        if each["kind"] in {"Deployment", "Job", "CronJob"}:
            spec = each["spec"]
            spec = spec["jobTemplate"]["spec"] if each["kind"] == "CronJob" else spec
            found[each["metadata"]["name"]] = spec["template"]["spec"]
    return found


def test_nothing_is_found_wrong_with_it() -> None:
    found = helm.lint(CHART, VALUES, strict=True)
    assert found["errors"] == []
    assert [each for each in found["messages"] if each["severity"] > 1] == []


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"dask": {"scheduler": "tcp://dask:8786"}},
        {"ingress": {"enabled": False}},
        {"authorities": "lab"},
    ],
    ids=["all", "another scheduler", "no ingress", "authorities"],
)
def test_kubernetes_takes_what_it_makes(values: dict[str, Any]) -> None:
    documents = rendered(**values)
    assert len(documents) >= 7
    for document in documents:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_a_scheduler_that_is_there_is_used() -> None:
    documents = rendered(dask={"scheduler": "tcp://dask:8786"})
    assert pods(documents).keys() == {
        "lake-lake",
        "lake-gateway",
        "lake-worker",
        "lake-measure",
    }
    assert settings_of(documents)["VOXLAKE_SCHEDULER"] == "tcp://dask:8786"


def test_jobs_may_have_clusters_of_their_own() -> None:
    address = "gateway+https://dask.lab.example.org"
    told = VALUES["settings"] | {"DASK_GATEWAY__AUTH__TYPE": "basic"}
    settings = settings_of(rendered(dask={"scheduler": address}, settings=told))
    assert settings["VOXLAKE_SCHEDULER"] == address
    assert settings["DASK_GATEWAY__AUTH__TYPE"] == "basic"


def test_pods_run_as_nobody_and_write_nowhere() -> None:
    found = pods(rendered())
    assert len(found) == 6
    for pod in found.values():
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"]
            assert not context["allowPrivilegeEscalation"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            mounted = {each["name"] for each in container["volumeMounts"]}
            assert mounted == {each["name"] for each in pod["volumes"]}


def test_what_is_set_is_a_setting() -> None:
    documents = rendered()
    settings = settings_of(documents)
    named = {*settings, *SECRETS}
    for pod in pods(documents).values():
        for container in pod["containers"]:
            named |= {each["name"] for each in container.get("env", [])}
    ours = {name.removeprefix("VOXLAKE_").lower() for name in named if name[:8] == "VOXLAKE_"}
    assert ours <= Settings.model_fields.keys()
    assert not SECRETS & settings.keys()
    for secret in SECRETS:
        assert secret in PAGE.read_text()
        assert secret in (CHART / "values.yaml").read_text()


def test_dask_workers_know_the_keys_of_the_store_and_nothing_else() -> None:
    [worker] = pods(rendered())["lake-dask-worker"]["containers"]
    assert "envFrom" not in worker
    secret = {each["name"] for each in worker["env"] if "secretKeyRef" in each.get("valueFrom", {})}
    assert secret == {"VOXLAKE_S3_ACCESS_KEY_ID", "VOXLAKE_S3_SECRET_ACCESS_KEY"}


def test_dask_workers_know_the_settings_of_the_store() -> None:
    store = {
        "VOXLAKE_S3_ENDPOINT": "https://s3.lab.example.org",
        "VOXLAKE_S3_REGION": "eu",
        "VOXLAKE_STORE_RETRIES": "9",
        "VOXLAKE_CA_FILE": "/etc/ssl/lab.pem",
        "AWS_REGION": "eu",
    }
    [worker] = pods(rendered(settings=VALUES["settings"] | store))["lake-dask-worker"]["containers"]
    known = {each["name"]: each["value"] for each in worker["env"] if "value" in each}
    assert known.items() >= store.items()
    assert not known.keys() & {"VOXLAKE_LAKE", "VOXLAKE_PUBLIC_URL", "VOXLAKE_OIDC_ISSUER"}


def test_all_pods_believe_the_authorities_that_are_named() -> None:
    documents = rendered(authorities="lab")
    file = settings_of(documents)["VOXLAKE_CA_FILE"]
    for name, pod in pods(documents).items():
        [volume] = [each["name"] for each in pod["volumes"] if each.get("configMap")]
        [container] = pod["containers"]
        mounts = {each["name"]: each for each in container["volumeMounts"]}
        assert (mounts[volume]["mountPath"], mounts[volume]["readOnly"]) == (file[:-7], True)
        told = {each["name"]: each.get("value") for each in container.get("env", [])}
        assert told.get("VOXLAKE_CA_FILE") == (file if name == "lake-dask-worker" else None)
    both = VALUES["settings"] | {"VOXLAKE_CA_FILE": "/etc/ssl/lab.pem"}
    with pytest.raises(helm.HelmError, match="leave one of them out"):
        rendered(authorities="lab", settings=both)


def test_other_settings_are_other_pods() -> None:
    """Kubernetes leaves pods alone whose settings are changed."""

    def marks(**others: Any) -> list[str]:
        templates = [
            each["spec"]["template"] for each in rendered(**others) if each["kind"] == "Deployment"
        ]
        marked = [each["metadata"].get("annotations", {}) for each in templates]
        return [each["voxlake/settings"] for each in marked if each]

    before = marks()
    assert len(before) == 2
    assert marks() == before
    changed = marks(gateway={"memoryBytes": "1000000000"})
    assert not set(changed) & set(before)


def test_measuring_is_told_to_go_on_by_an_upgrade() -> None:
    """A page has it suspended before; only what a chart says is said again."""
    [measure] = [each for each in rendered() if each["kind"] == "CronJob"]
    assert measure["spec"]["suspend"] is False
    asked = re.search(r"delete job --selector (\S+)=(\w+)", PAGE.read_text())
    assert asked is not None
    assert measure["spec"]["jobTemplate"]["metadata"]["labels"][asked[1]] == asked[2]


def test_a_gateway_has_time_to_end() -> None:
    documents = rendered(gateway={"drainSeconds": 20, "graceSeconds": 100})
    assert pods(documents)["lake-gateway"]["terminationGracePeriodSeconds"] > 120


def test_selectors_find_their_pods_alone() -> None:
    documents = rendered()
    labels = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in documents
        if each["kind"] == "Deployment"
    }
    for service in (each for each in documents if each["kind"] == "Service"):
        asked = service["spec"]["selector"].items()
        found = [name for name, has in labels.items() if asked <= has.items()]
        assert found == [service["metadata"]["name"]]


def test_rules_and_dashboards_are_those_of_the_folder() -> None:
    documents = rendered(monitoring={"enabled": True})
    monitoring = ROOT / "deploy" / "monitoring"
    [rules] = [each["spec"] for each in documents if each["kind"] == "PrometheusRule"]
    text = (monitoring / "alerts.yml").read_text()
    docs = text.replace("{{ $externalLabels.docs }}", "https://docs.example.org")
    assert docs != text
    assert rules == yaml.safe_load(docs)
    [boards] = [each["data"] for each in documents if each["metadata"]["name"] == "lake-dashboards"]
    for file in (monitoring / "dashboards").glob("*.json"):
        assert json.loads(boards[file.name]) == json.loads(file.read_text())
    jobs = [
        relabeling["replacement"]
        for each in documents
        if each["kind"] == "ServiceMonitor"
        for endpoint in each["spec"]["endpoints"]
        for relabeling in endpoint["relabelings"]
    ]
    assert jobs == ["voxlake", "dask"]


def test_alerts_reach_whom_values_name() -> None:
    assert "AlertmanagerConfig" not in {
        each["kind"] for each in rendered(monitoring={"enabled": True})
    }
    alerts = {
        "webhookSecret": "chat",
        "mail": {"to": "ada@example.org", "passwordSecret": "mail", "username": "lake"},
    }
    documents = rendered(monitoring={"enabled": True, "alerts": alerts})
    [spec] = [each["spec"] for each in documents if each["kind"] == "AlertmanagerConfig"]
    [people] = spec["receivers"]
    assert people["webhookConfigs"] == [{"urlSecret": {"name": "chat", "key": "url"}}]
    [mail] = people["emailConfigs"]
    assert (mail["to"], mail["smarthost"]) == ("ada@example.org", "mail.example.org:587")
    assert mail["authPassword"] == {"name": "mail", "key": "password"}
    assert mail["html"] == ""
    [subject] = [each["value"] for each in mail["headers"] if each["key"] == "Subject"]
    about = f"Trial at {VALUES['settings']['VOXLAKE_PUBLIC_URL']}"
    assert _mailed(subject) == f"[FIRING 1] {about}"
    assert _mailed(mail["text"]).startswith("Trial: All is well.\nTo do: Nothing.\nMore: https:")
    routes = [spec["route"], *spec["route"]["routes"]]
    assert {route["receiver"] for route in routes} == {"people"}


def _mailed(text: str) -> str:
    """Return what an Alertmanager without templates of ours makes of a text."""
    alert = {
        "status": "firing",
        "labels": {"alertname": "Trial"},
        "annotations": {"summary": "All is well.", "todo": "Nothing.", "runbook_url": "https:/x"},
        "startsAt": "2026-01-02T03:04:05Z",
    }
    told = {"status": "firing", "alerts": [alert], "commonLabels": {"alertname": "Trial"}}
    words = ["--template.glob=/dev/null", f"--template.text={text}", "--template.type=text"]
    ran = subprocess.run(
        ["amtool", "template", "render", *words, "--template.data=/dev/stdin"],
        input=json.dumps(told),
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"VOXLAKE_LAKE": "/a/folder"}, "VOXLAKE_LAKE"),
        ({"VOXLAKE_PUBLIC_URL": "http://lake.example.org"}, "VOXLAKE_PUBLIC_URL"),
        ({"LAKE": "s3://b/l"}, "LAKE"),
    ],
)
def test_what_is_no_value_is_refused(settings: dict[str, str], named: str) -> None:
    with pytest.raises(helm.HelmError, match=named):
        rendered(settings=VALUES["settings"] | settings)
