{{/* The pods: one shape for all of them, those that are launched later included. */}}

{{- define "floe-dagster.podSecurityContext" -}}
runAsNonRoot: true
{{- range $key, $value := .Values.podSecurityContext }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }}: {{ int64 $value }}
{{- end }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "floe-dagster.securityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Resources without the limit that is left empty. */}}
{{- define "floe-dagster.resources" -}}
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
{{- define "floe-dagster.completed" -}}
{{- $completed := list -}}
{{- range .containers -}}
{{- $own := dict "securityContext" (deepCopy $.securityContext) -}}
{{- if and $.resources (not (hasKey . "resources")) -}}{{- $_ := set $own "resources" $.resources -}}{{- end -}}
{{- $completed = append $completed (mergeOverwrite $own (deepCopy .)) -}}
{{- end -}}
{{- toYaml $completed -}}
{{- end -}}

{{/* (root, containers): sidecars and init containers of the values; nothing without any. */}}
{{- define "floe-dagster.extraContainers" -}}
{{- with .containers -}}
{{- include "floe-dagster.completed" (dict "containers" . "securityContext" (include "floe-dagster.securityContext" $.root | fromYaml)) -}}
{{- end -}}
{{- end -}}

{{/* (root, values, name, image, command, env, resources, mounts): a container up to ports and probes. */}}
{{- define "floe-dagster.container" -}}
name: {{ .name }}
image: {{ include "floe-dagster.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: {{ toYaml .command | nindent 2 }}
securityContext:
  {{- include "floe-dagster.securityContext" . | nindent 2 }}
{{- with concat .root.Values.extraEnvFrom .values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
env:
  {{- include "floe-dagster.distinctEnv" (fromYamlArray .env) | nindent 2 }}
resources:
  {{- include "floe-dagster.resources" .resources | nindent 2 }}
volumeMounts:
  {{- .mounts | nindent 2 }}
{{- end -}}

{{/* (root, values): where a component's own process writes, and what it reads. */}}
{{- define "floe-dagster.mounts" -}}
- {name: home, mountPath: /opt/dagster/dagster_home}
- {name: instance, mountPath: /opt/dagster/dagster_home/dagster.yaml, subPath: dagster.yaml, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- with concat .root.Values.extraVolumeMounts .values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (root, values, instance): the volumes of those mounts; `instance` is a ConfigMap. */}}
{{- define "floe-dagster.volumes" -}}
- {name: home, emptyDir: {}}
- {name: tmp, emptyDir: {}}
- {name: instance, configMap: {name: {{ .instance }}}}
{{- with concat .root.Values.extraVolumes .values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (root, component, location, values, hasToken): a pod around its containers and volumes. */}}
{{- define "floe-dagster.podFields" -}}
serviceAccountName: {{ include "floe-dagster.serviceAccountName" . }}
automountServiceAccountToken: {{ default false .hasToken }}
enableServiceLinks: false
securityContext:
  {{- include "floe-dagster.podSecurityContext" .root | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- include "floe-dagster.placement" . }}
{{- with .values.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ . | int64 }}
{{- end }}
{{- end -}}

{{/* (root, values): which nodes a pod may run on. */}}
{{- define "floe-dagster.placement" -}}
{{- with default .root.Values.nodeSelector .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat .root.Values.tolerations .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default .root.Values.affinity .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* (root, component, location, values): labels and annotations of a pod, without checksums. */}}
{{- define "floe-dagster.podLabels" -}}
{{- if .values.podLabels -}}
{{- mergeOverwrite (include "floe-dagster.labels" . | fromYaml) .values.podLabels | toYaml -}}
{{- else -}}
{{- include "floe-dagster.labels" . -}}
{{- end -}}
{{- end -}}

{{- define "floe-dagster.podAnnotations" -}}
{{- with mergeOverwrite (deepCopy .root.Values.podAnnotations) .values.podAnnotations -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}

{{/* (root, values): waits until the database answers, as whoever waits would ask it. */}}
{{- define "floe-dagster.waitForPostgres" -}}
{{- $own := .root.Values.waitForPostgres -}}
{{- $env := printf "%s\n%s" (include "floe-dagster.dagsterEnv" .root) (include "floe-dagster.postgresEnv" .root) -}}
{{- with concat .root.Values.extraEnv .values.extraEnv -}}{{- $env = printf "%s\n%s" $env (toYaml .) -}}{{- end -}}
{{- $mounts := "- {name: scripts, mountPath: /opt/dagster/scripts, readOnly: true}\n- {name: tmp, mountPath: /tmp}" -}}
{{- with concat .root.Values.extraVolumeMounts .values.extraVolumeMounts -}}{{- $mounts = printf "%s\n%s" $mounts (toYaml .) -}}{{- end -}}
{{- $command := list "python" "/opt/dagster/scripts/wait_for_postgres.py" (int $own.timeoutSeconds | toString) -}}
{{- include "floe-dagster.container" (dict "root" .root "values" .values "name" "wait-for-postgres" "command" $command "env" $env "resources" $own.resources "mounts" $mounts) -}}
{{- end -}}

{{/* (ask, values): the three probes of a container, asked in one way. */}}
{{- define "floe-dagster.probes" -}}
startupProbe:
  {{- toYaml .ask | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: {{ .values.timeoutSeconds }}
  failureThreshold: {{ div (add (int .values.startupSeconds) 4) 5 }}
livenessProbe:
  {{- toYaml .ask | nindent 2 }}
  periodSeconds: {{ .values.periodSeconds }}
  timeoutSeconds: {{ .values.timeoutSeconds }}
  failureThreshold: {{ .values.failureThreshold }}
readinessProbe:
  {{- toYaml .ask | nindent 2 }}
  periodSeconds: {{ .values.periodSeconds }}
  timeoutSeconds: {{ .values.timeoutSeconds }}
{{- end -}}
