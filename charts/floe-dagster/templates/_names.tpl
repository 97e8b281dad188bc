{{/* What objects are called and how they are labelled. */}}

{{- define "floe-dagster.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* (root, component, location): the labels that select a component's pods. They never change. */}}
{{- define "floe-dagster.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .location }}
floe.dev/code-location: {{ . }}
{{- end }}
{{- end -}}

{{/* (root, component, location) */}}
{{- define "floe-dagster.labels" -}}
{{ include "floe-dagster.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (root, component, location): what the objects of a component are called, in 63 characters. */}}
{{- define "floe-dagster.objectName" -}}
{{- $name := printf "%s-%s" (include "floe-dagster.fullname" .root) .component -}}
{{- with .location -}}{{- $name = printf "%s-%s" $name . -}}{{- end -}}
{{- if gt (len $name) 63 -}}
{{- printf "%s-%s" (trunc 54 $name | trimSuffix "-") (sha256sum $name | trunc 8) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{/* (root, component, location): name, namespace and labels of an object. */}}
{{- define "floe-dagster.metadata" -}}
name: {{ include "floe-dagster.objectName" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "floe-dagster.labels" . | nindent 2 }}
{{- end -}}

{{/* (root, component, location, values) */}}
{{- define "floe-dagster.serviceAccountName" -}}
{{- $own := .values.serviceAccount -}}
{{- if $own.create -}}
{{- default (include "floe-dagster.objectName" .) $own.name -}}
{{- else -}}
{{- default "default" $own.name -}}
{{- end -}}
{{- end -}}

{{/* An image of repository, tag and digest. */}}
{{- define "floe-dagster.imageName" -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository .tag -}}
{{- end -}}
{{- end -}}

{{/* (root, image): the chart's image, or one of a code location's own. */}}
{{- define "floe-dagster.image" -}}
{{- if and .image .image.repository -}}
{{- include "floe-dagster.imageName" (merge (dict "tag" (default .root.Chart.AppVersion .image.tag)) .image) -}}
{{- else -}}
{{- $own := .root.Values.image -}}
{{- include "floe-dagster.imageName" (merge (dict "tag" (default .root.Chart.AppVersion $own.tag)) $own) -}}
{{- end -}}
{{- end -}}

{{/* The host of Dagster's database. */}}
{{- define "floe-dagster.postgresHost" -}}
{{- if .Values.postgresql.enabled -}}
{{- include "floe-dagster.objectName" (dict "root" . "component" "postgresql") -}}
{{- else -}}
{{- .Values.postgres.host -}}
{{- end -}}
{{- end -}}

{{/* Its port: the one in the release has PostgreSQL's own. */}}
{{- define "floe-dagster.postgresPort" -}}
{{- ternary 5432 (int .Values.postgres.port) .Values.postgresql.enabled -}}
{{- end -}}
