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
