{{/* One code server, from what holds for all of them and what its code location says. */}}

{{/* (root, location): `codeServers` with the code location's own over it. */}}
{{- define "floe-dagster.codeServer" -}}
{{- $own := deepCopy .root.Values.codeServers -}}
{{- range list "extraEnv" "extraEnvFrom" "extraVolumes" "extraVolumeMounts" "extraContainers" "extraInitContainers" -}}
{{- $_ := set $own . (concat (get $own .) (default list (get $.location .)) | default list) -}}
{{- end -}}
{{- with .location.resources -}}{{- $_ := set $own "resources" . -}}{{- end -}}
{{- $annotations := mergeOverwrite $own.serviceAccount.annotations (default dict .location.serviceAccountAnnotations) -}}
{{- $_ := set $own "serviceAccount" (dict "create" $own.serviceAccount.create "name" "" "annotations" $annotations) -}}
{{- $own | toYaml -}}
{{- end -}}

{{- define "floe-dagster.codeServerCommand" -}}
{{- $location := .location -}}
{{- $own := .root.Values.codeServers -}}
{{- $command := ternary (list "dagster" "code-server" "start") (list "dagster" "api" "grpc") $own.reloadable -}}
{{- $command = concat $command (list "--host" "0.0.0.0" "--port" (int $own.port | toString) "--location-name" $location.name "--log-level" $own.logLevel) -}}
{{- if $location.args -}}
{{- concat $command $location.args | toJson -}}
{{- else -}}
{{- $folder := default (printf "/opt/floe/products/%s" $location.name) $location.folder -}}
{{- concat $command (list "--python-file" (printf "%s/definitions.py" $folder) "--working-directory" $folder) | toJson -}}
{{- end -}}
{{- end -}}

{{/* Dagster tells the launcher by these two what its runs are to be. */}}
{{- define "floe-dagster.codeServerEnv" -}}
- name: DAGSTER_HOME
  value: /opt/dagster/dagster_home
- name: DAGSTER_CONTAINER_IMAGE
  value: {{ include "floe-dagster.image" (dict "root" .root "image" .location.image) | quote }}
- name: DAGSTER_CONTAINER_CONTEXT
  value: {{ include "floe-dagster.containerContext" .location | quote }}
{{ include "floe-dagster.dagsterEnv" .root }}
{{ include "floe-dagster.floeEnv" .root }}
{{- with concat .root.Values.extraEnv .values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A code location: what its runs have besides what all runs have, as JSON. */}}
{{- define "floe-dagster.containerContext" -}}
{{- $runs := default dict .runs -}}
{{- $container := dict -}}
{{- with $runs.extraEnv -}}{{- $_ := set $container "env" . -}}{{- end -}}
{{- with $runs.extraEnvFrom -}}{{- $_ := set $container "env_from" . -}}{{- end -}}
{{- with $runs.extraVolumeMounts -}}{{- $_ := set $container "volume_mounts" . -}}{{- end -}}
{{- with $runs.resources -}}
{{- $_ := set $container "resources" (include "floe-dagster.resources" . | fromYaml) -}}
{{- end -}}
{{- $pod := dict -}}
{{- with $runs.extraVolumes -}}{{- $_ := set $pod "volumes" . -}}{{- end -}}
{{- with $runs.nodeSelector -}}{{- $_ := set $pod "node_selector" . -}}{{- end -}}
{{- with $runs.tolerations -}}{{- $_ := set $pod "tolerations" . -}}{{- end -}}
{{- $labels := dict "labels" (dict "floe.dev/code-location" .name) -}}
{{- $config := dict "container_config" $container "pod_spec_config" $pod "pod_template_spec_metadata" $labels -}}
{{- $context := dict "run_k8s_config" $config -}}
{{- with $runs.serviceAccountName -}}{{- $_ := set $context "service_account_name" . -}}{{- end -}}
{{- dict "k8s" $context | toJson -}}
{{- end -}}

{{- define "floe-dagster.codeServerMounts" -}}
{{ include "floe-dagster.mounts" . }}
- {name: state, mountPath: /opt/floe/state}
{{- end -}}
