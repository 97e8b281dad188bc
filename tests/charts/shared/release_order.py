"""In which order Helm and ArgoCD make the objects of a release, and who would wait for ever."""

from __future__ import annotations

from collections.abc import Iterator

from pods import Object, Pod, named
from wiring import references

HOOK, WEIGHT, WAVE = "helm.sh/hook", "helm.sh/hook-weight", "argocd.argoproj.io/sync-wave"


def made_too_late(objects: list[Object], pods: list[Pod]) -> list[str]:
    """Return what pods need that is made only once they are done.

    Helm runs the hooks of an upgrade by weight before it changes anything else; ArgoCD makes a wave
    only when the one before is well. NetworkPolicies count among waves: those of hooks are there
    since the install.
    """
    return [text for pod in pods for text in _of_pod(pod, objects)]


def _of_pod(pod: Pod, objects: list[Object]) -> Iterator[str]:
    made = {named(thing): thing for thing in objects}
    if pod.owner not in made:
        return
    needed = references(pod) & made.keys()
    if HOOK not in _notes(made[pod.owner]):
        needed |= {name for name, thing in made.items() if _guards(thing, pod)}
    for name in sorted(needed):
        if _turn(made[name]) > _turn(made[pod.owner]):
            yield f"{pod.owner} needs {name}, which is made after it"


def _guards(thing: Object, pod: Pod) -> bool:
    if thing["kind"] != "NetworkPolicy":
        return False
    labels = thing["spec"]["podSelector"]["matchLabels"]
    return bool(labels.items() <= pod.labels.items())


def _turn(thing: Object) -> tuple[bool, int]:
    notes = _notes(thing)
    return HOOK not in notes, int(notes.get(WEIGHT if HOOK in notes else WAVE, 0))


def _notes(thing: Object) -> dict[str, str]:
    found: dict[str, str] = thing["metadata"].get("annotations", {})
    return found
