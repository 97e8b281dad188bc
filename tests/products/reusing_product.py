"""The floe.yaml of a product that builds only what changed."""

from __future__ import annotations

FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
execution: {reuse: unchanged}
"""
