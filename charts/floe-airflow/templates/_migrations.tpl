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

{{/* Secrets, arguments and variables of a container that migrates, as JSON. It may run again: users that
     are there stay, and pools have the slots of the values. */}}
{{- define "floe-airflow.migration" -}}
{{- $secrets := list "database" -}}
{{- $commands := list "airflow db migrate" -}}
{{- $env := list -}}
{{- $user := .Values.auth.firstUser -}}
{{- if and (eq .Values.auth.manager "fab") $user.username -}}
{{- $secrets = append $secrets "firstUser" -}}
{{- $create := printf "airflow users create --username %s --firstname %s --lastname %s --email %s --role %s --password \"$FIRST_USER_PASSWORD\"" ($user.username | squote) ($user.username | squote) ($user.username | squote) ($user.email | squote) ($user.role | squote) -}}
{{- $commands = append $commands $create -}}
{{- end -}}
{{- with .Values.pools -}}
{{- $pools := dict -}}
{{- range $name, $slots := . -}}
{{- $_ := set $pools $name (dict "slots" (int $slots) "description" (printf "of the Helm release %s" $.Release.Name)) -}}
{{- end -}}
{{- $env = list (dict "name" "FLOE_AIRFLOW_POOLS" "value" (toJson $pools)) -}}
{{- $commands = append $commands "printenv FLOE_AIRFLOW_POOLS > /tmp/pools.json" -}}
{{- $commands = append $commands "airflow pools import /tmp/pools.json" -}}
{{- end -}}
{{- $args := list "airflow" "db" "migrate" -}}
{{- if gt (len $commands) 1 -}}{{- $args = list "sh" "-c" (join " && " $commands) -}}{{- end -}}
{{- dict "secrets" $secrets "args" $args "ownEnv" $env | toJson -}}
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
