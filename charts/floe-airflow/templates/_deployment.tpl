{{/* The Deployment of a component. */}}

{{/* (values, starting, running, isServer): the probes of a container. One that nobody is led to by a
     Service needs no readiness probe. */}}
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

{{/* (values): the least pods that an autoscaler leaves; nothing without one, where `replicas` counts. */}}
{{- define "floe-airflow.leastPods" -}}
{{- if dig "keda" "enabled" false .values -}}
{{- .values.keda.minReplicaCount -}}
{{- else if dig "autoscaling" "enabled" false .values -}}
{{- .values.autoscaling.minReplicas -}}
{{- end -}}
{{- end -}}

{{/* (root, component, values, args, secrets, ownEnv, mounts, volumes, starting, running, isServer,
     hasToken, hasPodTemplate, runsTasks): the Deployment of a component. */}}
{{- define "floe-airflow.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "floe-airflow.metadata" . | nindent 2 }}
spec:
  {{- if not (include "floe-airflow.leastPods" . ) }}
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
      {{- with include "floe-airflow.extraContainers" (dict "root" .root "containers" .values.extraInitContainers) }}
      {{- $first = append $first . }}
      {{- end }}
      {{- if has "database" .secrets }}
      {{- $first = append $first (printf "- %s" (include "floe-airflow.migrationsFirst" . | indent 2 | trim)) }}
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
        {{- include "floe-airflow.extraContainers" (dict "root" .root "containers" .values.extraContainers) | nindent 8 }}
{{- end -}}
