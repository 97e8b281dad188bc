{{/* One container: the same for all, so that none is less restricted than another. */}}

{{- define "floe-airflow.securityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Resources without the limits that are left empty. */}}
{{- define "floe-airflow.resources" -}}
requests:
  cpu: {{ .requests.cpu | quote }}
  memory: {{ .requests.memory | quote }}
limits:
  {{- with .limits.cpu }}
  cpu: {{ . | quote }}
  {{- end }}
  memory: {{ .limits.memory | quote }}
{{- end -}}

{{/* (containers, securityContext, resources): containers of the values, each with these where it does not
     say otherwise: none is less restricted than the chart's own by leaving something out. */}}
{{- define "floe-airflow.completed" -}}
{{- $completed := list -}}
{{- range .containers -}}
{{- $own := dict "securityContext" (deepCopy $.securityContext) -}}
{{- if and $.resources (not (hasKey . "resources")) -}}{{- $_ := set $own "resources" $.resources -}}{{- end -}}
{{- $completed = append $completed (mergeOverwrite $own (deepCopy .)) -}}
{{- end -}}
{{- toYaml $completed -}}
{{- end -}}

{{/* (root, containers): sidecars and init containers of the values; nothing without any. */}}
{{- define "floe-airflow.extraContainers" -}}
{{- with .containers -}}
{{- include "floe-airflow.completed" (dict "containers" . "securityContext" (include "floe-airflow.securityContext" $.root | fromYaml)) -}}
{{- end -}}
{{- end -}}

{{/* entries: each variable once, as its last entry has it. Kubernetes refuses a name that is there twice
     where it applies an object itself, as for Helm 4. */}}
{{- define "floe-airflow.distinctEnv" -}}
{{- $last := dict -}}
{{- range $at, $entry := . -}}{{- $_ := set $last $entry.name $at -}}{{- end -}}
{{- $kept := list -}}
{{- range $at, $entry := . -}}{{- if eq $at (get $last $entry.name) -}}{{- $kept = append $kept $entry -}}{{- end -}}{{- end -}}
{{- toYaml $kept -}}
{{- end -}}

{{- define "floe-airflow.env" -}}
{{- if .carriesSettings }}
{{- range $name, $value := include "floe-airflow.settings" .root | fromYaml }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- range append .secrets "openTelemetry" }}
{{- include "floe-airflow.secretEnv" (dict "root" $.root "kind" .) }}
{{- end }}
{{- with .ownEnv }}
{{ toYaml . }}
{{- end }}
{{- if .runsTasks }}
{{- with .root.Values.openLineage.url }}
- name: OPENLINEAGE_URL
  value: {{ . | quote }}
{{- end }}
{{- if include "floe-airflow.startsSteps" . }}
- name: FLOE_STEP_POD_TEMPLATE
  value: /opt/floe/step-pod/pod.yaml
{{- end }}
{{- with .root.Values.tasks.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- with concat .root.Values.extraEnv (default list .values.extraEnv) }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (root, name, args, values, secrets, ownEnv, mounts, runsTasks, readsProducts, carriesSettings): a
     container up to its probes. */}}
{{- define "floe-airflow.container" -}}
name: {{ .name }}
image: {{ include "floe-airflow.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- with .args }}
args: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "floe-airflow.securityContext" . | nindent 2 }}
{{- $settings := dict "configMapRef" (dict "name" (printf "%s-settings" (include "floe-airflow.fullname" .root))) }}
{{- $sources := concat (ternary list (list $settings) (default false .carriesSettings)) .root.Values.extraEnvFrom (ternary .root.Values.tasks.extraEnvFrom list (default false .runsTasks)) }}
{{- with $sources }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $env := include "floe-airflow.env" . | trim }}
{{- with $env }}
env:
  {{- include "floe-airflow.distinctEnv" (fromYamlArray .) | nindent 2 }}
{{- end }}
resources:
  {{- include "floe-airflow.resources" .values.resources | nindent 2 }}
volumeMounts:
  - {name: home, mountPath: /opt/airflow}
  - {name: tmp, mountPath: /tmp}
  - {name: state, mountPath: /opt/floe/state}
  {{- if include "floe-airflow.hasLogVolume" . }}
  - {name: logs, mountPath: /opt/airflow/logs}
  {{- end }}
  {{- with .mounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- if include "floe-airflow.startsSteps" . }}
  - {name: step-pod, mountPath: /opt/floe/step-pod, readOnly: true}
  {{- end }}
  {{- if and .readsProducts (include "floe-airflow.fetchedProducts" .root) }}
  - {name: products, mountPath: /opt/floe/fetched, readOnly: true}
  {{- end }}
  {{- with concat .root.Values.extraVolumeMounts (default list .values.extraVolumeMounts) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
