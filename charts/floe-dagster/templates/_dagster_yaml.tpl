{{/* dagster.yaml, and the pods of runs that it describes. */}}

{{/* Dagster's storage: PostgreSQL, by a URL scheme that SQLAlchemy 2.1 knows too. */}}
{{- define "floe-dagster.storage" -}}
storage:
  postgres:
    postgres_db:
      scheme: postgresql+psycopg2
      hostname: {{ include "floe-dagster.postgresHost" . | quote }}
      port: {{ include "floe-dagster.postgresPort" . }}
      db_name: {{ .Values.postgres.database | quote }}
      username: {{ .Values.postgres.user | quote }}
      password: {env: DAGSTER_PG_PASSWORD}
      params: {sslmode: {{ .Values.postgres.sslMode }}}
telemetry: {enabled: false}
{{- end -}}

{{- define "floe-dagster.dagsterYaml" -}}
{{- $runs := .Values.runs -}}
{{ include "floe-dagster.storage" . }}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: {{ $runs.dequeueIntervalSeconds }}
concurrency:
  runs:
    max_concurrent_runs: {{ $runs.maxConcurrent }}
    {{- $one := dict "key" "floe/product" "value" (dict "applyLimitPerUniqueValue" true) "limit" 1 }}
    {{- with concat (ternary (list $one) list $runs.onePerProduct) $runs.tagConcurrencyLimits }}
    tag_concurrency_limits: {{ toYaml . | nindent 6 }}
    {{- end }}
  pools:
    default_limit: {{ $runs.pools.defaultLimit }}
    granularity: {{ $runs.pools.granularity }}
run_launcher:
  module: dagster_k8s
  class: K8sRunLauncher
  config:
    job_namespace: {{ .Release.Namespace }}
    load_incluster_config: true
    dagster_home: /opt/dagster/dagster_home
    instance_config_map: {{ include "floe-dagster.objectName" (dict "root" . "component" "instance") }}
    image_pull_policy: {{ .Values.image.pullPolicy }}
    service_account_name: {{ include "floe-dagster.serviceAccountName" (dict "root" . "component" "run" "values" $runs) }}
    fail_pod_on_run_failure: {{ $runs.failPodOnRunFailure }}
    only_allow_user_defined_k8s_config_fields:
      {{- include "floe-dagster.overridable" . | nindent 6 }}
    run_k8s_config:
      {{- include "floe-dagster.runPod" . | nindent 6 }}
run_monitoring:
  enabled: {{ $runs.monitoring.enabled }}
  start_timeout_seconds: {{ $runs.monitoring.startTimeoutSeconds }}
  cancel_timeout_seconds: {{ $runs.monitoring.cancelTimeoutSeconds }}
  max_runtime_seconds: {{ $runs.monitoring.maxRuntimeSeconds }}
  poll_interval_seconds: {{ $runs.monitoring.pollIntervalSeconds }}
  free_slots_after_run_end_seconds: {{ $runs.monitoring.freeSlotsAfterSeconds }}
run_retries:
  enabled: {{ $runs.retries.enabled }}
  max_retries: {{ $runs.retries.maxRetries }}
  retry_on_asset_or_op_failure: {{ $runs.retries.onStepFailure }}
compute_logs:
  {{- toYaml .Values.computeLogs | nindent 2 }}
{{- with .Values.dagsterConfig }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What code locations set for their runs, and what tags may set besides: nothing else is let in. */}}
{{- define "floe-dagster.overridable" -}}
{{- $container := dict -}}
{{- $pod := dict -}}
{{- range .Values.runs.tagOverrides.container -}}{{- $_ := set $container . true -}}{{- end -}}
{{- range .Values.runs.tagOverrides.pod -}}{{- $_ := set $pod . true -}}{{- end -}}
{{- range .Values.codeLocations -}}
{{- $own := (include "floe-dagster.containerContext" . | fromJson).k8s -}}
{{- range $key, $_ := $own.run_k8s_config.container_config -}}{{- $_ := set $container $key true -}}{{- end -}}
{{- range $key, $_ := $own.run_k8s_config.pod_spec_config -}}{{- $_ := set $pod $key true -}}{{- end -}}
{{- if $own.service_account_name -}}{{- $_ := set $pod "service_account_name" true -}}{{- end -}}
{{- end -}}
container_config: {{ toJson $container }}
pod_spec_config: {{ toJson $pod }}
pod_template_spec_metadata: {labels: true}
{{- end -}}

{{/* The pod of a run, as the launcher takes it: as restricted as the others. */}}
{{- define "floe-dagster.runPod" -}}
{{- $runs := .Values.runs -}}
{{- $labels := include "floe-dagster.podLabels" (dict "root" . "component" "run" "values" $runs) -}}
container_config:
  env:
    {{- include "floe-dagster.distinctEnv" (include "floe-dagster.runEnv" . | fromYamlArray) | nindent 4 }}
  {{- with concat .Values.extraEnvFrom $runs.extraEnvFrom }}
  env_from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  resources:
    {{- include "floe-dagster.resources" $runs.resources | nindent 4 }}
  security_context:
    {{- include "floe-dagster.securityContext" . | nindent 4 }}
  volume_mounts:
    - {name: home, mountPath: /opt/dagster/dagster_home}
    - {name: tmp, mountPath: /tmp}
    - {name: state, mountPath: /opt/floe/state}
    {{- if .Values.stepPods.enabled }}
    - {name: step-pod, mountPath: /opt/floe/step-pod, readOnly: true}
    {{- end }}
    {{- with concat .Values.extraVolumeMounts $runs.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
pod_spec_config:
  {{- with include "floe-dagster.extraContainers" (dict "root" . "containers" $runs.extraInitContainers) }}
  init_containers:
    {{- . | nindent 4 }}
  {{- end }}
  automount_service_account_token: {{ .Values.stepPods.enabled }}
  enable_service_links: false
  security_context:
    {{- include "floe-dagster.podSecurityContext" . | nindent 4 }}
  {{- with .Values.imagePullSecrets }}
  image_pull_secrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  termination_grace_period_seconds: {{ $runs.terminationGracePeriodSeconds }}
  {{- with include "floe-dagster.placement" (dict "root" . "values" $runs) | fromYaml }}
  {{- range $key, $value := . }}
  {{ snakecase $key }}: {{ toYaml $value | nindent 4 }}
  {{- end }}
  {{- end }}
  volumes:
    - {name: home, emptyDir: {}}
    - {name: tmp, emptyDir: {}}
    {{- with .Values.floe.existingStateClaim }}
    - {name: state, persistentVolumeClaim: {claimName: {{ . }}}}
    {{- else }}
    - {name: state, emptyDir: {}}
    {{- end }}
    {{- if .Values.stepPods.enabled }}
    - {name: step-pod, configMap: {name: {{ include "floe-dagster.objectName" (dict "root" . "component" "step-pod") }}}}
    {{- end }}
    {{- with concat .Values.extraVolumes $runs.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
pod_template_spec_metadata:
  labels:
    {{- $labels | nindent 4 }}
  {{- with include "floe-dagster.podAnnotations" (dict "root" . "values" $runs) }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
job_metadata:
  labels:
    {{- $labels | nindent 4 }}
job_spec_config:
  ttl_seconds_after_finished: {{ $runs.ttlSecondsAfterFinished }}
{{- end -}}
