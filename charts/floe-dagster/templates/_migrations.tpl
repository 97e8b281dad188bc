{{/* How the database is migrated: before an upgrade by a hook, or without hooks by the daemon's init
     container. What the hook needs is a hook too, and nothing of it is ever a plain object: Helm does not
     own a hook that was left behind, and cannot roll back to an object that is plain in one revision and
     missing, or a hook, in another. */}}

{{/* "yes" for a release whose hook migrates. A new database needs none: Dagster makes it. */}}
{{- define "floe-dagster.hasMigrationHook" -}}
{{- with .Values.migrations -}}
{{- if and .enabled .useHelmHooks $.Release.IsUpgrade -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{/* (root, weight): annotations of what must be there before the pods of an upgrade, and those of the
     values. */}}
{{- define "floe-dagster.migrationAnnotations" -}}
{{- $hook := dict "helm.sh/hook" "pre-upgrade" "helm.sh/hook-weight" .weight "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" -}}
{{- mergeOverwrite $hook .root.Values.migrations.annotations | toYaml -}}
{{- end -}}

{{/* (root, component, values, mounts): the container that migrates. */}}
{{- define "floe-dagster.migrate" -}}
{{- $own := .root.Values.migrations -}}
{{- $env := printf "- name: DAGSTER_HOME\n  value: /opt/dagster/dagster_home\n%s" (include "floe-dagster.dagsterEnv" .root) -}}
{{- with concat .root.Values.extraEnv $own.extraEnv -}}{{- $env = printf "%s\n%s" $env (toYaml .) -}}{{- end -}}
{{- include "floe-dagster.container" (merge (dict "name" "migrate" "values" $own "command" (list "dagster" "instance" "migrate") "env" $env "resources" $own.resources) .) -}}
{{- end -}}

{{- define "floe-dagster.migrationPod" -}}
{{- $it := dict "root" . "component" "migrations" "values" .Values.migrations -}}
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
    {{- include "floe-dagster.extraContainers" (dict "root" . "containers" .Values.migrations.extraInitContainers) | nindent 4 }}
    - {{ include "floe-dagster.waitForPostgres" $it | indent 6 | trim }}
  containers:
    - {{ include "floe-dagster.migrate" (merge (dict "mounts" (include "floe-dagster.mounts" $it)) $it) | indent 6 | trim }}
  volumes:
    {{- include "floe-dagster.volumes" (merge (dict "instance" $instance) $it) | nindent 4 }}
    - {name: scripts, configMap: {name: {{ $instance }}}}
{{- end -}}
