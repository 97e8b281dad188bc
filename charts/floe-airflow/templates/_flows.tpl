{{/* The flows of files/flows.yaml, as rules of NetworkPolicies. */}}

{{/* (root, place): the value at a place such as `a.b`, as JSON; "" where nothing is. */}}
{{- define "floe-airflow.at" -}}
{{- $found := .root.Values -}}
{{- range splitList "." .place -}}
{{- $found = get $found . -}}
{{- end -}}
{{- dict "value" $found | toJson -}}
{{- end -}}

{{/* (root, when): "yes" if all of it holds. */}}
{{- define "floe-airflow.holds" -}}
{{- $holds := true -}}
{{- range splitList "&" .when -}}
{{- $term := trim . -}}
{{- if contains "=" $term -}}
{{- $sides := splitList "=" $term -}}
{{- $value := (include "floe-airflow.at" (dict "root" $.root "place" (first $sides)) | fromJson).value -}}
{{- if ne (toString $value) (last $sides) -}}{{- $holds = false -}}{{- end -}}
{{- else if $term -}}
{{- $value := (include "floe-airflow.at" (dict "root" $.root "place" (trimPrefix "!" $term)) | fromJson).value -}}
{{- if eq (hasPrefix "!" $term) (not (empty $value)) -}}{{- $holds = false -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if $holds -}}yes{{- end -}}
{{- end -}}

{{/* The flows of this release, as a JSON list. */}}
{{- define "floe-airflow.flows" -}}
{{- $flows := list -}}
{{- range .Files.Get "files/flows.yaml" | fromYamlArray -}}
{{- if eq "yes" (include "floe-airflow.holds" (dict "root" $ "when" (default "" .when))) -}}
{{- $flows = append $flows . -}}
{{- end -}}
{{- end -}}
{{- $flows | toJson -}}
{{- end -}}

{{/* (root, flow, side): a rule of ingress, `side` from, or of egress, `side` to. */}}
{{- define "floe-airflow.rule" -}}
{{- $end := get .flow .side -}}
{{- $rule := dict -}}
{{- if hasPrefix "outside." $end -}}
{{- $peers := get .root.Values.networkPolicy.outside (trimPrefix "outside." $end) -}}
{{- if $peers -}}{{- $_ := set $rule .side $peers -}}{{- end -}}
{{- else -}}
{{- $labels := include "floe-airflow.selectorLabels" (dict "root" .root "component" $end) | fromYaml -}}
{{- $_ := set $rule .side (list (dict "podSelector" (dict "matchLabels" $labels))) -}}
{{- end -}}
{{- $ports := list -}}
{{- range include "floe-airflow.ports" . | fromJsonArray -}}
{{- $port := . -}}
{{- range default (list "TCP") $.flow.protocols -}}
{{- $ports = append $ports (dict "port" (int $port) "protocol" .) -}}
{{- end -}}
{{- end -}}
{{- set $rule "ports" $ports | toYaml -}}
{{- end -}}

{{/* (root, flow): the ports of a flow, as a JSON list. */}}
{{- define "floe-airflow.ports" -}}
{{- $port := .flow.port -}}
{{- if hasPrefix "url:" (toString $port) -}}
{{- $url := urlParse (include "floe-airflow.at" (dict "root" .root "place" (trimPrefix "url:" $port)) | fromJson).value -}}
{{- $named := trimPrefix ":" (regexFind ":[0-9]+$" $url.host) -}}
{{- list (int (default (ternary "443" "80" (eq $url.scheme "https")) $named)) | toJson -}}
{{- else if kindIs "string" $port -}}
{{- $value := (include "floe-airflow.at" (dict "root" .root "place" $port) | fromJson).value -}}
{{- ternary $value (list $value) (kindIs "slice" $value) | toJson -}}
{{- else -}}
{{- list $port | toJson -}}
{{- end -}}
{{- end -}}
