"""Real Prometheus and Alertmanager on the sensor: scrape and evaluation every 5 s, no waiting of groups."""

import json
import re

from peers import REPOSITORY
from watch import get
from world import wait_for

PROMETHEUS = "http://127.0.0.1:9090"
ALERTMANAGER = "http://127.0.0.1:9093"
RULES = REPOSITORY / "grafana/prometheus/rules.yml"
# What the shipped rules must do at least; used only where they are not there.
LEAST = """groups:
- name: stage
  rules:
  - alert: CamsentryViolation
    expr: sum without (outcome) (camsentry_violations_open) > 0
  - alert: CamsentryOneWayMirror
    expr: camsentry_flows_one_way_total > 10 and camsentry_flows_two_way_total == 0
"""


class Monitor:
    """Both programs, and what they say."""

    def __init__(self, stage, targets):
        folder = stage.folder / "monitor"
        folder.mkdir(exist_ok=True)
        text = RULES.read_text() if RULES.exists() else LEAST
        # The promise is about an evaluation every 5 s, whatever interval a group asks for.
        (folder / "rules.yml").write_text(re.sub(r"^(\s*)interval:.*$", r"\1interval: 5s", text, flags=re.M))
        self.shipped = RULES.exists()
        scrapes = "\n".join(
            f"      - targets: ['127.0.0.1:{port}']\n        labels: {{instance: {name}}}" for port, name in targets.items())
        (folder / "prometheus.yml").write_text(
            "global:\n  scrape_interval: 5s\n  scrape_timeout: 4s\n  evaluation_interval: 5s\n"
            f"rule_files: ['{folder}/rules.yml']\n"
            "alerting:\n  alertmanagers:\n  - static_configs:\n    - targets: ['127.0.0.1:9093']\n"
            f"scrape_configs:\n  - job_name: camsentry\n    static_configs:\n{scrapes}\n")
        (folder / "alertmanager.yml").write_text(
            "route: {receiver: nobody, group_by: ['...'], group_wait: 0s, group_interval: 5s, repeat_interval: 1h}\n"
            "receivers: [{name: nobody}]\n")
        stage.world.start(None, "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml",
                          f"--storage.path={folder}/am", "--web.listen-address=127.0.0.1:9093", "--cluster.listen-address=",
                          name="alertmanager")
        stage.world.start(None, "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                          "--web.listen-address=127.0.0.1:9090", name="prometheus")
        wait_for("Prometheus", lambda: get(f"{PROMETHEUS}/-/ready")[0] == 200, 60)
        wait_for("Alertmanager", lambda: get(f"{ALERTMANAGER}/-/ready")[0] == 200, 60)

    def alerts(self):
        """Labels of every alert that Alertmanager holds as firing."""
        status, text = get(f"{ALERTMANAGER}/api/v2/alerts?active=true")
        return [alert["labels"] for alert in json.loads(text)] if status == 200 else []

    def complaints(self):
        """What Prometheus could not scrape or evaluate, in its own words."""
        targets = json.loads(get(f"{PROMETHEUS}/api/v1/targets")[1])["data"]["activeTargets"]
        groups = json.loads(get(f"{PROMETHEUS}/api/v1/rules")[1])["data"]["groups"]
        return [f"{target['labels']['instance']}: {target['lastError']}" for target in targets if target["health"] != "up"] + [
            f"{rule['name']}: {rule.get('lastError')}" for group in groups for rule in group["rules"] if rule["health"] == "err"]
