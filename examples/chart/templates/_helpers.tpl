{{/* Whether there are policies that validate: not empty means yes. */}}
{{- define "portside.validating" -}}
{{- if .Values.policies -}}
{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version -}}yes{{- end -}}
{{- else if not .Values.watchNamespace -}}
{{- fail "without policies portside could change every field of every workload: set watchNamespace as well" -}}
{{- end -}}
{{- end -}}

{{/* Whether there is the policy that mutates. */}}
{{- define "portside.mutating" -}}
{{- if and .Values.policies (semverCompare ">=1.36-0" .Capabilities.KubeVersion.Version) -}}yes{{- end -}}
{{- end -}}
