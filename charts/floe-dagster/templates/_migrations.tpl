{{/* The Job that migrates the database, as a hook of an upgrade or as a plain Job. */}}

{{/* (root, weight): annotations of what must be there before the pods of an upgrade. */}}
{{- define "floe-dagster.migrationHook" -}}
{{- if .root.Values.migrations.useHelmHooks -}}
helm.sh/hook: pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}
{{- end -}}

{{/* (root, weight): the same, and what the values say that they are to have besides. */}}
{{- define "floe-dagster.migrationAnnotations" -}}
{{- with mergeOverwrite (include "floe-dagster.migrationHook" . | fromYaml) .root.Values.migrations.annotations -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}

{{- define "floe-dagster.migrationPod" -}}
{{- $own := .Values.migrations -}}
{{- $it := dict "root" . "component" "migrations" "values" $own -}}
{{- $env := printf "- name: DAGSTER_HOME\n  value: /opt/dagster/dagster_home\n%s" (include "floe-dagster.dagsterEnv" .) -}}
{{- with concat .Values.extraEnv $own.extraEnv -}}{{- $env = printf "%s\n%s" $env (toYaml .) -}}{{- end -}}
{{- $instance := include "floe-dagster.objectName" $it -}}
metadata:
  labels:
    {{- include "floe-dagster.podLabels" $it | nindent 4 }}
  {{- with include "floe-dagster.podAnnotations" $it | fromYaml }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  restartPolicy: Never
  {{- include "floe-dagster.podFields" $it | nindent 2 }}
  initContainers:
    - {{ include "floe-dagster.waitForPostgres" $it | indent 6 | trim }}
  containers:
    - {{ include "floe-dagster.container" (merge (dict "name" "migrate" "command" (list "dagster" "instance" "migrate") "env" $env "resources" $own.resources "mounts" (include "floe-dagster.mounts" $it)) $it) | indent 6 | trim }}
  volumes:
    {{- include "floe-dagster.volumes" (merge (dict "instance" $instance) $it) | nindent 4 }}
    - {name: scripts, configMap: {name: {{ $instance }}}}
{{- end -}}
