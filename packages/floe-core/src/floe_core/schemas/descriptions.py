"""What each field of floe.yaml and manifest.yaml means, in words for who writes the file."""

from __future__ import annotations

# Model -> field -> description. A test finds fields without one.
DESCRIPTIONS: dict[str, dict[str, str]] = {
    "FloeSpec": {
        "api_version": "The version of the format.",
        "kind": "What this file is.",
        "metadata": "Who the product is.",
        "platform": "Where the platform's manifest is.",
        "transforms": "Refinements of dbt models, seeds and snapshots. The dbt graph is the truth.",
        "schedule": "When the whole product runs. Without it, never by itself.",
        "jobs": "Parts of the product that run together, each with a schedule of its own.",
        "vars": "dbt vars that every run passes.",
        "execution": "How the product runs.",
        "output_ports": "Copied to the artifacts unchanged.",
        "waivers": "Concepts that the orchestrator may fail to express; see `floe explain`.",
    },
    "Metadata": {
        "name": "The product's name: lower-case letters, digits and hyphens.",
        "version": 'The product\'s version, a string: write "1.0" with quotes.',
        "owner": "An e-mail address or a team's name.",
        "description": "What the product is, for who finds it in an orchestrator's pages.",
        "labels": "Free labels, name to value.",
    },
    "Platform": {
        "manifest": "Path of manifest.yaml, relative to this file.",
    },
    "ScheduleSpec": {
        "cron": "A cron expression of five fields, or @hourly, @daily, @weekly, @monthly, @yearly.",
        "timezone": "An IANA time zone. Without it, the manifest's `defaults.timezone`.",
        "enabled": "False keeps the schedule and starts nothing.",
    },
    "TransformSpec": {
        "name": "The node's name in dbt; `name.v2` for a version.",
        "path": "The node's file; must agree with dbt.",
        "tags": "Tags beside dbt's. `tag:` selects by them.",
        "tier": "The node's tier, such as bronze or gold. It becomes a tag.",
        "depends_on": "Nodes that must be upstream of it in dbt's graph.",
        "compute": "The compute it runs on; must agree with the manifest.",
    },
    "JobSpec": {
        "name": "The job's name.",
        "select": "Nodes to run, in dbt's selection syntax.",
        "exclude": "Nodes to leave out, in dbt's selection syntax.",
        "selector": "A selector of selectors.yml, instead of `select` and `exclude`.",
        "vars": "dbt vars of this job's runs; they win over the product's.",
        "schedule": "When the job runs.",
    },
    "ExecutionSpec": {
        "retries": "Further attempts after a failed one. Each builds what has not passed.",
        "retry_delay_seconds": "Delay before a retry.",
        "retry_backoff": "`exponential` doubles the delay before each further retry.",
        "timeout_seconds": "Time limit of one attempt.",
        "max_parallel": "dbt's number of threads. Without it, the profile's.",
        "granularity": "Tasks on Airflow: one for each node, for each group, or for the product.",
        "group_by": "What forms a group of nodes.",
        "pool": "The orchestrator's pool in which a build takes a slot.",
        "backfill_by": "What `floe run --backfill` starts: a run for each tick, or one for all.",
        "dbt_executable": "The product's own dbt, run as a process.",
    },
    "Manifest": {
        "api_version": "The version of the format.",
        "kind": "What this file is.",
        "metadata": "Who the platform is.",
        "plugins": "The choices of the platform.",
        "observability": "What runs emit: lineage and spans.",
        "resource_presets": "Sizes of pods, over those of the orchestrator's plugin.",
        "approved_plugins": "Kind of plugin to the names that may be chosen. Without it, any.",
        "defaults": "What holds where a product says nothing.",
        "environments": "What is otherwise in each environment: values, never the graph.",
    },
    "ManifestMetadata": {
        "name": "The platform's name: lower-case letters, digits and hyphens.",
        "version": 'The version of the manifest, a string: write "1.0" with quotes.',
        "owner": "An e-mail address or a team's name.",
        "description": "What the platform is.",
    },
    "Plugins": {
        "orchestrator": "The orchestrator: dagster, airflow, prefect, or another installed plugin.",
        "compute": "The dbt adapter. Without it, the product's own profiles.yml.",
        "lineage_backend": "Where OpenLineage events go.",
    },
    "PluginChoice": {
        "type": "The plugin's name; of compute, the dbt adapter's.",
        "version": "Accepted and not used.",
        "config": "Settings of the plugin. Secrets as `\"{{ env_var('NAME') }}\"` only.",
        "connection_secret_ref": "Accepted and not used.",
    },
    "Observability": {
        "lineage": "OpenLineage events.",
        "tracing": "OpenTelemetry spans.",
    },
    "LineageSwitch": {
        "enabled": "Whether runs emit lineage events.",
        "namespace": "The OpenLineage namespace of jobs.",
        "dataset_namespace": "The namespace of datasets. Without it, by OpenLineage's naming.",
        "transport": "An OpenLineage transport's type, if `plugins.lineage_backend` names none.",
        "endpoint": "The URL that events are posted to, if `plugins.lineage_backend` names none.",
    },
    "TracingSwitch": {
        "enabled": "Emit spans, even if the environment does not ask for them.",
        "exporter": "The exporter, unless OpenTelemetry's environment variables name one.",
        "endpoint": "The endpoint, unless OpenTelemetry's environment variables name one.",
    },
    "ResourcePreset": {
        "cpu_request": "CPU that the pod asks for, such as 500m.",
        "cpu_limit": 'CPU that it gets at most, such as "2".',
        "memory_request": "Memory that the pod asks for, such as 1Gi.",
        "memory_limit": "Memory that it gets at most, such as 2Gi.",
    },
    "Defaults": {
        "timezone": "The time zone of schedules that name none.",
        "compute": "Accepted and not used.",
    },
    "Environment": {
        "target": "dbt's target. With `compute`, by default the environment's name.",
        "compute": "Settings over those of `plugins.compute.config`.",
        "vars": "dbt vars; they win over those of floe.yaml.",
        "threads": "dbt's number of threads.",
        "schedules": "Schedules that are otherwise here.",
        "lineage": "Lineage that is otherwise here.",
        "resource_presets": "Sizes of pods that are otherwise here.",
    },
    "EnvironmentSchedules": {
        "enabled": "Switches every schedule on or off.",
        "jobs": "Schedules of jobs: `<product>.<job>`, or `<product>` for the product's own.",
    },
    "EnvironmentSchedule": {
        "cron": "A cron expression in place of floe.yaml's.",
        "timezone": "A time zone in place of floe.yaml's.",
        "enabled": "Whether the schedule starts anything.",
    },
    "EnvironmentLineage": {
        "namespace": "The OpenLineage namespace of jobs.",
    },
}
