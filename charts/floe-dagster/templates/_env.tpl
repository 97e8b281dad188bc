{{/* The environment of containers. Every secret is a reference. */}}

{{/* entries: each variable once, as its last entry has it. Kubernetes refuses a name that is there twice
     where it applies an object itself, as for Helm 4. */}}
{{- define "floe-dagster.distinctEnv" -}}
{{- $last := dict -}}
{{- range $at, $entry := . -}}{{- $_ := set $last $entry.name $at -}}{{- end -}}
{{- $kept := list -}}
{{- range $at, $entry := . -}}{{- if eq $at (get $last $entry.name) -}}{{- $kept = append $kept $entry -}}{{- end -}}{{- end -}}
{{- toYaml $kept -}}
{{- end -}}

{{/* What each process of Dagster needs, runs included. */}}
{{- define "floe-dagster.dagsterEnv" -}}
- name: DAGSTER_PG_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .Values.postgres.existingSecret }}
      key: {{ .Values.postgres.passwordKey }}
- name: DAGSTER_DISABLE_TELEMETRY
  value: "yes"
- name: DBT_SEND_ANONYMOUS_USAGE_STATS
  value: "False"
{{- end -}}

{{/* What finds the database without Dagster: for waiting, and for the daemon's probes. */}}
{{- define "floe-dagster.postgresEnv" -}}
- name: DAGSTER_PG_DSN
  value: {{ printf "host=%s port=%s dbname=%s user=%s sslmode=%s" (include "floe-dagster.postgresHost" .) (include "floe-dagster.postgresPort" .) .Values.postgres.database .Values.postgres.user .Values.postgres.sslMode | quote }}
{{- end -}}

{{/* What floe reads where it loads or runs products. */}}
{{- define "floe-dagster.floeEnv" -}}
- name: FLOE_STATE_DIR
  value: /opt/floe/state
{{- with .Values.floe.scheduleStore }}
- name: FLOE_SCHEDULE_STORE
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* What runs tell others: lineage and spans. */}}
{{- define "floe-dagster.tellingEnv" -}}
{{- with .Values.openLineage }}
{{- if not .enabled }}
- name: OPENLINEAGE_DISABLED
  value: "true"
{{- else if .url }}
- name: OPENLINEAGE_URL
  value: {{ .url | quote }}
{{- with .endpoint }}
- name: OPENLINEAGE_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- if .apiKey.existingSecret }}
- name: OPENLINEAGE_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .apiKey.existingSecret }}
      key: {{ .apiKey.key }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.openTelemetry }}
{{- if .endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
- name: OTEL_EXPORTER_OTLP_PROTOCOL
  value: {{ .protocol }}
- name: OTEL_SERVICE_NAME
  value: {{ .serviceName | quote }}
{{- if .headers.existingSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef:
      name: {{ .headers.existingSecret }}
      key: {{ .headers.key }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The environment of every run, whatever it runs. */}}
{{- define "floe-dagster.runEnv" -}}
{{ include "floe-dagster.dagsterEnv" . }}
{{ include "floe-dagster.floeEnv" . }}
{{- if .Values.stepPods.enabled }}
- name: FLOE_STEP_POD_TEMPLATE
  value: /opt/floe/step-pod/pod.yaml
{{- end }}
{{- with include "floe-dagster.tellingEnv" . | trim }}
{{ . }}
{{- end }}
{{- with concat .Values.extraEnv .Values.runs.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
