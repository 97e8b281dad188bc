{{/* What Airflow and floe are told through the environment. */}}

{{- define "floe-airflow.authManager" -}}
{{- $known := dict
  "fab" "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
  "simple" "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager" -}}
{{- default .Values.auth.manager (get $known .Values.auth.manager) -}}
{{- end -}}

{{- define "floe-airflow.baseUrl" -}}
{{- with .Values.ingress -}}
{{- if $.Values.apiServer.baseUrl -}}
{{- $.Values.apiServer.baseUrl -}}
{{- else if $.Values.httpRoute.enabled -}}
{{- printf "https://%s%s" (first $.Values.httpRoute.hostnames) (trimSuffix "/" $.Values.httpRoute.path) -}}
{{- else if .enabled -}}
{{- printf "%s://%s%s" (ternary "https" "http" (not (empty .tls.existingSecret))) .host (trimSuffix "/" .path) -}}
{{- else -}}
{{- printf "http://localhost:%d" (int $.Values.apiServer.port) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The path below which everything is served, the task API too; "" at the root. */}}
{{- define "floe-airflow.basePath" -}}
{{- (urlParse (include "floe-airflow.baseUrl" .)).path | trimSuffix "/" -}}
{{- end -}}

{{/* The bundles as Airflow reads them. */}}
{{- define "floe-airflow.dagBundles" -}}
{{- $class := "airflow.dag_processing.bundles.local.LocalDagBundle" -}}
{{- $seconds := int .Values.refreshIntervalSeconds -}}
{{- $bundles := list -}}
{{- range .Values.products -}}
{{- $path := printf "%s/%s" (ternary "/opt/floe/fetched" "/opt/floe/products" (not (empty .image))) .name -}}
{{- $bundles = append $bundles (dict "name" .name "classpath" $class "kwargs" (dict "path" $path "refresh_interval" $seconds)) -}}
{{- else -}}
{{- $bundles = append $bundles (dict "name" "floe-products" "classpath" $class "kwargs" (dict "path" "/opt/floe/products" "refresh_interval" $seconds)) -}}
{{- end -}}
{{- concat $bundles .Values.extraDagBundles | toJson -}}
{{- end -}}

{{/* Product -> resources of its task pods, of those that have a size of their own, as JSON. */}}
{{- define "floe-airflow.productResources" -}}
{{- $sizes := dict -}}
{{- range .Values.products -}}
{{- if .resources -}}{{- $_ := set $sizes .name .resources -}}{{- end -}}
{{- end -}}
{{- $sizes | toJson -}}
{{- end -}}

{{/* Variable -> value, of all components, no secret among them; those of `airflowConfig` win. */}}
{{- define "floe-airflow.settings" -}}
{{- $settings := include "floe-airflow.ownSettings" . | fromYaml -}}
{{- range $section, $values := .Values.airflowConfig -}}
{{- range $key, $value := $values -}}
{{- $_ := set $settings (printf "AIRFLOW__%s__%s" (upper $section) (upper $key)) (toString $value) -}}
{{- end -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{- define "floe-airflow.ownSettings" -}}
AIRFLOW_HOME: /opt/airflow
HOME: /opt/airflow
{{/* Airflow asks for its user's name, and a cluster may give a user id that has none. */ -}}
USER: floe
PYTHONUNBUFFERED: "1"
DBT_SEND_ANONYMOUS_USAGE_STATS: "False"
FLOE_STATE_DIR: /opt/floe/state
AIRFLOW__USAGE_DATA_COLLECTION__ENABLED: "False"
AIRFLOW__CORE__LOAD_EXAMPLES: "False"
AIRFLOW__CORE__EXECUTOR: {{ .Values.executor }}
AIRFLOW__CORE__AUTH_MANAGER: {{ include "floe-airflow.authManager" . }}
AIRFLOW__CORE__EXECUTION_API_SERVER_URL: http://{{ include "floe-airflow.fullname" . }}-api-server:{{ .Values.apiServer.port }}{{ include "floe-airflow.basePath" . }}/execution/
AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST: {{ include "floe-airflow.dagBundles" . | quote }}
AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH: /opt/airflow/bundles
AIRFLOW__LOGGING__BASE_LOG_FOLDER: /opt/airflow/logs
{{- if not .Values.openLineage.enabled }}
OPENLINEAGE_DISABLED: "true"
{{- end }}
{{- with .Values.scheduleStore }}
FLOE_SCHEDULE_STORE: {{ . | quote }}
{{- end }}
{{- with .Values.logs.remote }}
{{- if .baseFolder }}
AIRFLOW__LOGGING__REMOTE_LOGGING: "True"
AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER: {{ .baseFolder | quote }}
{{- if .connectionId }}
AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID: {{ .connectionId | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.openTelemetry }}
{{- if .endpoint }}
AIRFLOW__METRICS__OTEL_ON: {{ .metrics | ternary "True" "False" | quote }}
AIRFLOW__TRACES__OTEL_ON: {{ .traces | ternary "True" "False" | quote }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ .endpoint | quote }}
OTEL_EXPORTER_OTLP_PROTOCOL: {{ .protocol }}
OTEL_SERVICE_NAME: {{ .serviceName | quote }}
{{/* Airflow goes by this for spans, and takes gRPC without it whatever the protocol is. */ -}}
OTEL_TRACES_EXPORTER: {{ ternary "otlp_proto_grpc" "otlp_proto_http" (eq .protocol "grpc") }}
{{- end }}
{{- end }}
{{- if eq .Values.executor "CeleryExecutor" }}
AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT: {{ .Values.celery.visibilityTimeoutSeconds | int | quote }}
{{- end }}
{{- end -}}

{{/* (root, kind): an environment entry that takes a secret; nothing where there is none. */}}
{{- define "floe-airflow.secretEnv" -}}
{{- $v := .root.Values -}}
{{- if eq .kind "database" }}
{{- include "floe-airflow.databaseEnv" .root }}
{{- else }}
{{- $known := dict
  "fernetKey" (list "AIRFLOW__CORE__FERNET_KEY" $v.fernetKey)
  "jwtSecret" (list "AIRFLOW__API_AUTH__JWT_SECRET" $v.jwtSecret)
  "apiSecretKey" (list "AIRFLOW__API__SECRET_KEY" $v.apiSecretKey)
  "broker" (list "AIRFLOW__CELERY__BROKER_URL" $v.celery.broker)
  "resultBackend" (list "AIRFLOW__CELERY__RESULT_BACKEND" $v.celery.resultBackend)
  "openLineage" (list "OPENLINEAGE_API_KEY" $v.openLineage.apiKey)
  "openTelemetry" (list "OTEL_EXPORTER_OTLP_HEADERS" $v.openTelemetry.headers)
  "firstUser" (list "FIRST_USER_PASSWORD" $v.auth.firstUser) -}}
{{- $entry := get $known .kind -}}
{{- $reference := last $entry -}}
{{- if $reference.existingSecret }}
- name: {{ first $entry }}
  valueFrom:
    secretKeyRef:
      name: {{ $reference.existingSecret }}
      key: {{ $reference.key }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "floe-airflow.databaseHost" -}}
{{- if .Values.database.host -}}
{{- .Values.database.host -}}
{{- else if .Values.postgresql.enabled -}}
{{- include "floe-airflow.fullname" . }}-postgresql
{{- end -}}
{{- end -}}

{{/* libpq and asyncpg take the password from PGPASSWORD, so it needs no escaping for a URL, and PGSSLMODE. */}}
{{- define "floe-airflow.databaseEnv" -}}
{{- $host := include "floe-airflow.databaseHost" . -}}
{{- with .Values.database }}
- name: {{ ternary "PGPASSWORD" "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" (not (empty $host)) }}
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ ternary .passwordKey .urlKey (not (empty $host)) }}
{{- if $host }}
- name: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
  value: {{ printf "postgresql+psycopg2://%s@%s:%d/%s" .user $host (int .port) .name | quote }}
{{- end }}
- name: PGSSLMODE
  value: {{ .sslMode }}
{{- end }}
{{- end -}}
