{{/* The pods: one shape for all of them, those that the executor starts included. */}}

{{- define "floe-airflow.podSecurityContext" -}}
runAsNonRoot: true
{{- range $name, $id := .Values.podSecurityContext }}
{{- if $id }}
{{ $name }}: {{ $id | int64 }}
{{- end }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* (root, component, values, volumes, hasToken): the pod around its containers. */}}
{{- define "floe-airflow.podFields" -}}
serviceAccountName: {{ include "floe-airflow.serviceAccountName" . }}
automountServiceAccountToken: {{ if or .hasToken (include "floe-airflow.startsSteps" .) }}true{{ else }}false{{ end }}
enableServiceLinks: false
securityContext:
  {{- include "floe-airflow.podSecurityContext" .root | nindent 2 }}
{{- include "floe-airflow.placement" . }}
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
  {{- if include "floe-airflow.hasLogVolume" . }}
  - name: logs
    persistentVolumeClaim:
      claimName: {{ default (printf "%s-logs" (include "floe-airflow.fullname" .root)) .root.Values.logs.persistence.existingClaim }}
  {{- end }}
  {{- with .volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- if include "floe-airflow.startsSteps" . }}
  - {name: step-pod, configMap: {name: {{ include "floe-airflow.fullname" .root }}-step-pod}}
  {{- end }}
  {{- if and .readsProducts (include "floe-airflow.fetchedProducts" .root) }}
  - {name: products, emptyDir: {}}
  {{- end }}
  {{- with concat .root.Values.extraVolumes (default list .values.extraVolumes) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* (root, runsTasks): "yes" for a pod that may start the pods of steps. */}}
{{- define "floe-airflow.startsSteps" -}}
{{- if and .runsTasks .root.Values.stepPods.enabled -}}yes{{- end -}}
{{- end -}}

{{/* (root, values): where a pod's images come from, and which nodes it may run on. */}}
{{- define "floe-airflow.placement" -}}
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
{{- end -}}

{{/* (root, component): "yes" if the volume with logs is mounted. What only asks the database writes none,
     and a migration comes before an upgrade makes the claim. */}}
{{- define "floe-airflow.hasLogVolume" -}}
{{- if and .root.Values.logs.persistence.enabled (not (has .component (list "migrations" "db-cleanup"))) -}}yes{{- end -}}
{{- end -}}

{{/* (root, component, values): labels and annotations of a pod. */}}
{{- define "floe-airflow.podMetadata" -}}
labels:
  {{- if .values.podLabels }}
  {{- mergeOverwrite (include "floe-airflow.labels" . | fromYaml) .values.podLabels | toYaml | nindent 2 }}
  {{- else }}
  {{- include "floe-airflow.labels" . | nindent 2 }}
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

{{/* name: of the container that fetches a product; a product's name may be as long as that may be, and
     end in a hyphen. */}}
{{- define "floe-airflow.fetchName" -}}
{{- $name := printf "fetch-%s" . -}}
{{- if or (gt (len $name) 63) (hasSuffix "-" $name) -}}
{{- printf "%s-%s" (trunc 54 $name | trimSuffix "-") (sha256sum . | trunc 8) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{/* Containers that copy products from images of their own to where the others read them. */}}
{{- define "floe-airflow.fetchProducts" -}}
{{- range .Values.products }}
{{- if .image }}
- name: {{ include "floe-airflow.fetchName" .name }}
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
