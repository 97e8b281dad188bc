{{/* What objects are called and how they are labelled. */}}

{{- define "floe-airflow.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := printf "%s-%s" .Release.Name $name -}}
{{- if .Values.fullnameOverride -}}
{{- $full = .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- $full = .Release.Name -}}
{{- end -}}
{{- /* Cut short, with a sum of the whole, so that two long names stay two. */ -}}
{{- if gt (len $full) 40 -}}
{{- printf "%s-%s" (trunc 31 $full | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{/* (root, component): the labels that select a component's pods. They never change. */}}
{{- define "floe-airflow.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* (root, component) */}}
{{- define "floe-airflow.labels" -}}
{{ include "floe-airflow.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (root, component): name and labels of an object of the component. */}}
{{- define "floe-airflow.metadata" -}}
name: {{ include "floe-airflow.fullname" .root }}-{{ .component }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "floe-airflow.labels" . | nindent 2 }}
{{- end -}}

{{/* (root, component, values) */}}
{{- define "floe-airflow.serviceAccountName" -}}
{{- if .values.serviceAccount.create -}}
{{- default (printf "%s-%s" (include "floe-airflow.fullname" .root) .component) .values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "floe-airflow.image" -}}
{{- include "floe-airflow.imageName" (merge (dict "tag" (default .Chart.AppVersion .Values.image.tag)) .Values.image) -}}
{{- end -}}

{{/* An image of repository, tag and digest. */}}
{{- define "floe-airflow.imageName" -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository .tag -}}
{{- end -}}
{{- end -}}

{{/* Component label -> its key in values.yaml, of those that this release runs. */}}
{{- define "floe-airflow.components" -}}
api-server: apiServer
scheduler: scheduler
dag-processor: dagProcessor
triggerer: triggerer
{{- if eq .Values.executor "CeleryExecutor" }}
worker: workers
{{- else }}
task: taskPods
{{- end }}
{{- if .Values.migrations.enabled }}
migrations: migrations
{{- end }}
{{- if .Values.databaseCleanup.enabled }}
db-cleanup: databaseCleanup
{{- end }}
{{- end -}}
