{{/* How the database is migrated: before an upgrade by a hook, else by the api-server's init container. */}}

{{/* "yes" for a release whose hook migrates. An install has no hook: its database may be in it. */}}
{{- define "floe-airflow.hasMigrationHook" -}}
{{- with .Values.migrations -}}
{{- if and .enabled .useHelmHooks $.Release.IsUpgrade -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{/* weight: annotations of what an upgrade needs before anything changes. */}}
{{- define "floe-airflow.migrationHook" -}}
helm.sh/hook: pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* Secrets and arguments of a container that migrates, as JSON. It may run again: what is there stays. */}}
{{- define "floe-airflow.migration" -}}
{{- $user := .Values.auth.firstUser -}}
{{- if and (eq .Values.auth.manager "fab") $user.username -}}
{{- $create := printf "airflow users create --username %s --firstname %s --lastname %s --email %s --role %s --password \"$FIRST_USER_PASSWORD\"" ($user.username | squote) ($user.username | squote) ($user.username | squote) ($user.email | squote) ($user.role | squote) -}}
{{- dict "secrets" (list "database" "firstUser") "args" (list "sh" "-c" (printf "airflow db migrate && %s" $create)) | toJson -}}
{{- else -}}
{{- dict "secrets" (list "database") "args" (list "airflow" "db" "migrate") | toJson -}}
{{- end -}}
{{- end -}}

{{/* (root, component): what the pods of a component do before they start: the api-server migrates,
     the others wait until the database is that of this Airflow. */}}
{{- define "floe-airflow.migrationsFirst" -}}
{{- $values := dict "resources" .root.Values.migrations.resources -}}
{{- if and .root.Values.migrations.enabled (eq .component "api-server") -}}
{{- include "floe-airflow.container" (merge (dict "root" .root "name" "migrate" "values" $values) (include "floe-airflow.migration" .root | fromJson)) -}}
{{- else -}}
{{- $args := list "airflow" "db" "check-migrations" "--migration-wait-timeout" (.root.Values.migrations.waitSeconds | int | toString) -}}
{{- include "floe-airflow.container" (dict "root" .root "name" "wait-for-migrations" "args" $args "values" $values "secrets" (list "database")) -}}
{{- end -}}
{{- end -}}
