{{/* The pods: one shape for all of them, those that the executor starts included. */}}

{{- define "floe-airflow.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurityContext.runAsUser | int64 }}
runAsGroup: {{ .Values.podSecurityContext.runAsGroup | int64 }}
fsGroup: {{ .Values.podSecurityContext.fsGroup | int64 }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "floe-airflow.securityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
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
  {{- . | nindent 2 }}
{{- end }}
resources:
  {{- include "floe-airflow.resources" .values.resources | nindent 2 }}
volumeMounts:
  - {name: home, mountPath: /opt/airflow}
  - {name: tmp, mountPath: /tmp}
  - {name: state, mountPath: /opt/floe/state}
  {{- if .root.Values.logs.persistence.enabled }}
  - {name: logs, mountPath: /opt/airflow/logs}
  {{- end }}
  {{- with .mounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- if and .readsProducts (include "floe-airflow.fetchedProducts" .root) }}
  - {name: products, mountPath: /opt/floe/fetched, readOnly: true}
  {{- end }}
  {{- with concat .root.Values.extraVolumeMounts (default list .values.extraVolumeMounts) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
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
{{- with .root.Values.tasks.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- with concat .root.Values.extraEnv (default list .values.extraEnv) }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (root, component, values, volumes, hasToken): the pod around its containers. */}}
{{- define "floe-airflow.podFields" -}}
serviceAccountName: {{ include "floe-airflow.serviceAccountName" . }}
automountServiceAccountToken: {{ default false .hasToken }}
enableServiceLinks: false
securityContext:
  {{- include "floe-airflow.podSecurityContext" .root | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with default .root.Values.nodeSelector .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat .root.Values.tolerations (default list .values.tolerations) }}
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
{{- with .values.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ . | int64 }}
{{- end }}
volumes:
  - {name: home, emptyDir: {}}
  - {name: tmp, emptyDir: {}}
  {{- with .root.Values.state.existingClaim }}
  - {name: state, persistentVolumeClaim: {claimName: {{ . }}}}
  {{- else }}
  - {name: state, emptyDir: {}}
  {{- end }}
  {{- with .root.Values.logs.persistence }}
  {{- if .enabled }}
  - name: logs
    persistentVolumeClaim:
      claimName: {{ default (printf "%s-logs" (include "floe-airflow.fullname" $.root)) .existingClaim }}
  {{- end }}
  {{- end }}
  {{- with .volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- if and .readsProducts (include "floe-airflow.fetchedProducts" .root) }}
  - {name: products, emptyDir: {}}
  {{- end }}
  {{- with concat .root.Values.extraVolumes (default list .values.extraVolumes) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* (root, component, values): labels and annotations of a pod. */}}
{{- define "floe-airflow.podMetadata" -}}
labels:
  {{- include "floe-airflow.labels" . | nindent 2 }}
  {{- with .values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/settings: {{ include "floe-airflow.settings" .root | sha256sum }}
  {{- if .hasPodTemplate }}
  checksum/pod-template: {{ include "floe-airflow.podTemplate" .root | sha256sum }}
  {{- end }}
  {{- with mergeOverwrite (deepCopy .root.Values.podAnnotations) (default dict .values.podAnnotations) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Names of the products that come with an image of their own; nothing if none does. */}}
{{- define "floe-airflow.fetchedProducts" -}}
{{- range .Values.products }}{{ if .image }}{{ .name }} {{ end }}{{ end -}}
{{- end -}}

{{/* Containers that copy products from images of their own to where the others read them. */}}
{{- define "floe-airflow.fetchProducts" -}}
{{- range .Values.products }}
{{- if .image }}
- name: fetch-{{ .name }}
  image: {{ include "floe-airflow.imageName" .image }}
  imagePullPolicy: {{ $.Values.image.pullPolicy }}
  command: [cp, -R, /opt/floe/products/{{ .name }}, /opt/floe/fetched/]
  securityContext:
    {{- include "floe-airflow.securityContext" $ | nindent 4 }}
  resources:
    {{- include "floe-airflow.resources" $.Values.productFetch.resources | nindent 4 }}
  volumeMounts:
    - {name: products, mountPath: /opt/floe/fetched}
{{- end }}
{{- end }}
{{- end -}}

{{/* (root): waits until the database is that of this Airflow. */}}
{{- define "floe-airflow.waitForMigrations" -}}
{{- $args := list "airflow" "db" "check-migrations" "--migration-wait-timeout" (.Values.migrations.waitSeconds | int | toString) -}}
{{- include "floe-airflow.container" (dict "root" . "name" "wait-for-migrations" "args" $args "values" (dict "resources" .Values.migrations.resources) "secrets" (list "database")) }}
{{- end -}}

{{/* (probe, probes): the three probes of a container, asked in one way. `live` instead of `probe`
     for what must not be asked while starting. */}}
{{- define "floe-airflow.probes" -}}
startupProbe:
  {{- toYaml .starting | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: {{ .values.timeoutSeconds }}
  failureThreshold: {{ div (add (int .values.startupSeconds) 4) 5 }}
livenessProbe:
  {{- toYaml .running | nindent 2 }}
  periodSeconds: {{ .values.periodSeconds }}
  timeoutSeconds: {{ .values.timeoutSeconds }}
  failureThreshold: {{ .values.failureThreshold }}
{{- if .isServer }}
readinessProbe:
  {{- toYaml .running | nindent 2 }}
  periodSeconds: {{ .values.periodSeconds }}
  timeoutSeconds: {{ .values.timeoutSeconds }}
{{- end }}
{{- end -}}

{{/* (root, component, values, args, secrets, ownEnv, mounts, volumes, starting, running, isServer,
     hasToken, hasPodTemplate, runsTasks): the Deployment of a component. */}}
{{- define "floe-airflow.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "floe-airflow.metadata" . | nindent 2 }}
spec:
  {{- if not (and .values.autoscaling .values.autoscaling.enabled) }}
  replicas: {{ .values.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "floe-airflow.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      {{- include "floe-airflow.podMetadata" . | nindent 6 }}
    spec:
      {{- include "floe-airflow.podFields" . | nindent 6 }}
      {{- $first := list }}
      {{- if has "database" .secrets }}
      {{- $first = append $first (printf "- %s" (include "floe-airflow.waitForMigrations" .root | indent 2 | trim)) }}
      {{- end }}
      {{- with .initContainers }}
      {{- $first = append $first (printf "- %s" (. | indent 2 | trim)) }}
      {{- end }}
      {{- if .readsProducts }}
      {{- with include "floe-airflow.fetchProducts" .root | trim }}
      {{- $first = append $first . }}
      {{- end }}
      {{- end }}
      {{- with $first }}
      initContainers:
        {{- join "\n" . | nindent 8 }}
      {{- end }}
      containers:
        - {{ include "floe-airflow.container" (merge (dict "name" .component) .) | indent 10 | trim }}
          {{- with .ports }}
          ports:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- include "floe-airflow.probes" (dict "values" .values.probes "starting" .starting "running" .running "isServer" .isServer) | nindent 10 }}
{{- end -}}
