{{/*
Labels that select pods. They cannot change after the installation: a Deployment's
selector is immutable. The instance is the field manager, which names every object of
an installation, whether Helm or portside install made it.
*/}}
{{- define "portside.selectorLabels" -}}
app.kubernetes.io/name: portside
app.kubernetes.io/instance: {{ quote .Values.fieldManager }}
{{- end -}}

{{/* Labels of every object. What portside install prints has none of Helm's. */}}
{{- define "portside.labels" -}}
{{ include "portside.selectorLabels" . }}
app.kubernetes.io/version: {{ quote .Chart.AppVersion }}
{{- with .Release.Service }}
app.kubernetes.io/managed-by: {{ . }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
{{- end }}
{{- end -}}

{{/* The image: a text, or repository, tag and digest. */}}
{{- define "portside.image" -}}
{{- if kindIs "string" .Values.image -}}
{{ .Values.image }}
{{- else -}}
{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}
{{- else }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether there are policies that validate: not empty means yes. */}}
{{- define "portside.validating" -}}
{{- if .Values.policies -}}
{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version -}}yes{{- end -}}
{{- else if not .Values.watchNamespace -}}
{{- fail "without policies portside could change every field of every workload: set watchNamespace as well" -}}
{{- end -}}
{{- end -}}

{{/* The API version of the policy that mutates. Empty: there is no such policy. */}}
{{- define "portside.mutating" -}}
{{- if .Values.policies -}}
{{- if semverCompare ">=1.36-0" .Capabilities.KubeVersion.Version -}}
admissionregistration.k8s.io/v1
{{- else if and .Values.betaPolicies (semverCompare ">=1.34-0" .Capabilities.KubeVersion.Version) -}}
admissionregistration.k8s.io/v1beta1
{{- end -}}
{{- end -}}
{{- end -}}
