{{- define "operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "operator.selector" -}}
app.kubernetes.io/name: direct-upload-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "operator.image" -}}
{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end -}}

{{/* What pods of the operator's image have in common: where they run, and as whom. */}}
{{- define "operator.pod" -}}
serviceAccountName: {{ include "operator.fullname" . }}
automountServiceAccountToken: true
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- range $field := list "priorityClassName" "nodeSelector" "tolerations" "affinity" }}
{{- with get $.Values $field }}
{{ dict $field . | toYaml }}
{{- end }}
{{- end }}
{{- with .Values.image.pullSecrets }}
{{ dict "imagePullSecrets" . | toYaml }}
{{- end }}
{{- end -}}

{{- define "operator.container" -}}
image: {{ include "operator.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* Objects of deploy/, which are the one place where rules stand, under this release's names. Bindings
     of the cluster become bindings of each watched namespace; but for whose CRDs there are. */}}
{{- define "operator.rbac" -}}
{{- $root := .root -}}
{{- $name := include "operator.fullname" $root -}}
{{- range splitList "\n---\n" (.root.Files.Get .file) }}
{{- $object := fromYaml . }}
{{- $metadata := $object.metadata }}
{{- $_ := set $metadata "name" (replace "direct-upload-operator" $name $metadata.name) }}
{{- $_ := set $metadata "labels" (merge (include "operator.labels" $root | fromYaml) ($metadata.labels | default dict)) }}
{{- if $metadata.namespace }}
{{- $_ := set $metadata "namespace" $root.Release.Namespace }}
{{- end }}
{{- if $object.roleRef }}
{{- $_ := set $object.roleRef "name" (replace "direct-upload-operator" $name $object.roleRef.name) }}
{{- $_ := set $object "subjects" (list (dict "kind" "ServiceAccount" "name" $name "namespace" $root.Release.Namespace)) }}
{{- end }}
{{- if and $root.Values.watchNamespaces (eq $object.kind "ClusterRoleBinding") (not (hasSuffix "-crds" $metadata.name)) }}
{{- $_ := set $object "kind" "RoleBinding" }}
{{- range $root.Values.watchNamespaces }}
{{- $_ := set $metadata "namespace" . }}
---
{{ toYaml $object }}
{{- end }}
{{- else }}
---
{{ toYaml $object }}
{{- end }}
{{- end }}
{{- end -}}
