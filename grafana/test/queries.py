"""What the dashboards and alert rules ask, with Grafana's variables filled in."""
import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
DASHBOARDS = [HERE.parent / "dashboards" / f"{name}.json" for name in ("overview", "network", "sensor")]


def seconds(text):
    """`now-24h` in seconds before now."""
    number, unit = re.fullmatch(r"now-(\d+)([mhd])", text).groups()
    return int(number) * {"m": 60, "h": 3600, "d": 86400}[unit]


def filled(expr, span, step):
    """`expr` as Grafana would send it for a panel over `span` seconds, one point each `step` seconds."""
    names = {
        "$__rate_interval": f"{max(4 * 60, step + 60)}s",
        "$__range": f"{span}s",
        "$__interval": f"{step}s",
        "$job": ".+",
        "$instance": ".+",
    }
    for name, value in names.items():
        expr = expr.replace(name, value)
    return expr


def of_dashboard(path):
    """(panel, target, expression, whether instant) of every panel, and of the variables and annotations."""
    board = json.loads(path.read_text())
    span = seconds(board["time"]["from"])
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["refId"], filled(target["expr"], span, 60), target["instant"]
    for note in board["annotations"]["list"]:
        if "expr" in note.get("target", {}):
            yield f"annotation {note['name']}", "", filled(note["target"]["expr"], span, 60), False
