{{/* What webserver and daemon load: the code servers. */}}

{{- define "floe-dagster.workspaceYaml" -}}
load_from:
  {{- range .Values.codeLocations }}
  - grpc_server:
      host: {{ include "floe-dagster.objectName" (dict "root" $ "component" "code-server" "location" .name) }}
      port: {{ $.Values.codeServers.port }}
      location_name: {{ .name }}
  {{- end }}
{{- end -}}

{{/* The arguments of a command that reads the workspace, as a JSON list. */}}
{{- define "floe-dagster.workspaceArgs" -}}
{{- if .Values.codeLocations -}}
{{- list "--workspace" "/opt/dagster/dagster_home/workspace.yaml" | toJson -}}
{{- else -}}
{{- list "--empty-workspace" | toJson -}}
{{- end -}}
{{- end -}}

{{/* (root, values): mounts of a component that reads the workspace. */}}
{{- define "floe-dagster.workspaceMounts" -}}
{{ include "floe-dagster.mounts" . }}
- {name: scripts, mountPath: /opt/dagster/scripts, readOnly: true}
{{- if .root.Values.codeLocations }}
- {name: workspace, mountPath: /opt/dagster/dagster_home/workspace.yaml, subPath: workspace.yaml, readOnly: true}
{{- end }}
{{- end -}}

{{- define "floe-dagster.workspaceVolumes" -}}
{{- $instance := include "floe-dagster.objectName" (dict "root" .root "component" "instance") -}}
{{ include "floe-dagster.volumes" (merge (dict "instance" $instance) .) }}
- {name: scripts, configMap: {name: {{ include "floe-dagster.objectName" (dict "root" .root "component" "scripts") }}}}
{{- if .root.Values.codeLocations }}
- {name: workspace, configMap: {name: {{ include "floe-dagster.objectName" (dict "root" .root "component" "workspace") }}}}
{{- end }}
{{- end -}}

{{/* Checksums: pods restart when what they read at their start has changed. */}}
{{- define "floe-dagster.workspaceChecksums" -}}
checksum/dagster-yaml: {{ include "floe-dagster.dagsterYaml" . | sha256sum }}
checksum/workspace-yaml: {{ include "floe-dagster.workspaceYaml" . | sha256sum }}
{{- end -}}

{{/* The environment of webserver and daemon. */}}
{{- define "floe-dagster.serviceEnv" -}}
- name: DAGSTER_HOME
  value: /opt/dagster/dagster_home
{{ include "floe-dagster.dagsterEnv" .root }}
{{ include "floe-dagster.postgresEnv" .root }}
{{- with concat .root.Values.extraEnv .values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
