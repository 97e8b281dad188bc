{{/* The flows of files/flows.yaml, as rules of NetworkPolicies. */}}

{{/* (root, place): the value at a place such as `a.b`, as JSON; "" where nothing is. */}}
{{- define "floe-dagster.at" -}}
{{- $found := .root.Values -}}
{{- range splitList "." .place -}}
{{- $found = get $found . -}}
{{- end -}}
{{- dict "value" $found | toJson -}}
{{- end -}}

{{/* (root, when): "yes" if all of it holds. */}}
{{- define "floe-dagster.holds" -}}
{{- $holds := true -}}
{{- range splitList "&" .when -}}
{{- $term := trim . -}}
{{- if contains "=" $term -}}
{{- $sides := splitList "=" $term -}}
{{- $value := (include "floe-dagster.at" (dict "root" $.root "place" (first $sides)) | fromJson).value -}}
{{- if ne (toString $value) (last $sides) -}}{{- $holds = false -}}{{- end -}}
{{- else if $term -}}
{{- $value := (include "floe-dagster.at" (dict "root" $.root "place" (trimPrefix "!" $term)) | fromJson).value -}}
{{- if eq (hasPrefix "!" $term) (not (empty $value)) -}}{{- $holds = false -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if $holds -}}yes{{- end -}}
{{- end -}}

{{/* The flows of this release, as a JSON list. */}}
{{- define "floe-dagster.flows" -}}
{{- $flows := list -}}
{{- range .Files.Get "files/flows.yaml" | fromYamlArray -}}
{{- if eq "yes" (include "floe-dagster.holds" (dict "root" $ "when" (default "" .when))) -}}
{{- $flows = append $flows . -}}
{{- end -}}
{{- end -}}
{{- $flows | toJson -}}
{{- end -}}

{{/* (root, flow, side): a rule of ingress, `side` from, or of egress, `side` to. */}}
{{- define "floe-dagster.rule" -}}
{{- $end := get .flow .side -}}
{{- $rule := dict -}}
{{- if hasPrefix "outside." $end -}}
{{- $peers := get .root.Values.networkPolicy.outside (trimPrefix "outside." $end) -}}
{{- if $peers -}}{{- $_ := set $rule .side $peers -}}{{- end -}}
{{- else -}}
{{- $labels := include "floe-dagster.selectorLabels" (dict "root" .root "component" $end) | fromYaml -}}
{{- $_ := set $rule .side (list (dict "podSelector" (dict "matchLabels" $labels))) -}}
{{- end -}}
{{- $ports := list -}}
{{- range include "floe-dagster.ports" . | fromJsonArray -}}
{{- $port := . -}}
{{- range default (list "TCP") $.flow.protocols -}}
{{- $ports = append $ports (dict "port" (int $port) "protocol" .) -}}
{{- end -}}
{{- end -}}
{{- set $rule "ports" $ports | toYaml -}}
{{- end -}}

{{/* (root, flow): the ports of a flow, as a JSON list. */}}
{{- define "floe-dagster.ports" -}}
{{- $port := .flow.port -}}
{{- if hasPrefix "url:" (toString $port) -}}
{{- $url := urlParse (include "floe-dagster.at" (dict "root" .root "place" (trimPrefix "url:" $port)) | fromJson).value -}}
{{- $named := trimPrefix ":" (regexFind ":[0-9]+$" $url.host) -}}
{{- list (int (default (ternary "443" "80" (eq $url.scheme "https")) $named)) | toJson -}}
{{- else if kindIs "string" $port -}}
{{- $value := (include "floe-dagster.at" (dict "root" .root "place" $port) | fromJson).value -}}
{{- ternary $value (list $value) (kindIs "slice" $value) | toJson -}}
{{- else -}}
{{- list $port | toJson -}}
{{- end -}}
{{- end -}}

{{/* The components of this release, as a JSON list. */}}
{{- define "floe-dagster.components" -}}
{{- $components := list "webserver" "daemon" "run" -}}
{{- if .Values.codeLocations -}}{{- $components = append $components "code-server" -}}{{- end -}}
{{- if .Values.migrations.enabled -}}{{- $components = append $components "migrations" -}}{{- end -}}
{{- if .Values.postgresql.enabled -}}{{- $components = append $components "postgresql" -}}{{- end -}}
{{- if .Values.stepPods.enabled -}}{{- $components = append $components "step" -}}{{- end -}}
{{- $components | toJson -}}
{{- end -}}
