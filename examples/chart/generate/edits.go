package main

import (
	"regexp"
	"strings"

	"github.com/portside-dev/portside/examples/install"
)

// edit makes a template of a part of a manifest.
type edit struct {
	what string
	do   func(text string) string
	// must is for an edit that every file has a place for.
	must bool
}

func source(path string) (string, error) {
	text, err := install.Manifests.ReadFile(path)
	return string(text), err
}

func replace(what, pattern, with string) edit {
	expression := regexp.MustCompile(`(?m)` + pattern)
	return edit{what, func(text string) string { return expression.ReplaceAllString(text, with) }, false}
}

func needed(e edit) edit {
	e.must = true
	return e
}

const (
	namespace = "{{ $.Release.Namespace }}"
	manager   = "{{ $.Values.fieldManager }}"
)

// instance is what an installation has of its own: its namespace and its names.
var instance = []edit{
	replace("the namespace", `^(\s+namespace: )portside-system$`, "${1}"+namespace),
	needed(replace("the label", `^(\s+app.kubernetes.io/instance: )portside$`, "${1}"+manager)),
	needed(replace("names", `^(  name: )portside(-[a-z-]+)?$`, "${1}"+manager+"${2}")),
	replace("names referred to", `^(\s+(?:serviceAccountName|policyName): )portside(-[a-z-]+)?$`, "${1}"+manager+"${2}"),
	replace("names in a rule", `^(\s+resourceNames: )\[portside\]$`, "${1}["+manager+"]"),
	replace("the user in an expression", `'system:serviceaccount:portside-system:portside'`, "'system:serviceaccount:"+namespace+":"+manager+"'"),
	replace("the namespace in an expression", `'portside-system'`, "'"+namespace+"'"),
	replace("the manager in an expression", `'portside'`, "'"+manager+"'"),
}

// ofOneNamespace are a ClusterRole and its binding that become a Role and its
// binding where one namespace is watched.
var ofOneNamespace = []edit{
	needed(replace("the kinds", `^(\s*kind: )Cluster(Role|RoleBinding)$`, "${1}{{ if not .Values.watchNamespace }}Cluster{{ end }}${2}")),
	needed(replace("their namespace", `^(metadata:\n  name: .*\n)`, "${1}{{- with .Values.watchNamespace }}\n  namespace: {{ . }}\n{{- end }}\n")),
}

var (
	// use is the permission that the name policy asks for.
	use = needed(replace("the use of the name", `(^# The name policy asks .*\n(?:[- ] .*\n)+)`,
		"{{- if include \"portside.validating\" . }}\n${1}{{- end }}\n"))

	// aggregation is for ClusterRoles alone.
	aggregation = needed(replace("labels", `(^  labels:\n    rbac.*\n)`, "{{- if not .Values.watchNamespace }}\n${1}{{- end }}\n"))

	// excluded is the list of namespaces in an expression.
	excluded = needed(replace("the excluded namespaces", `\['kube-system'\]`,
		`[{{ range $$i, $$name := sortAlpha .Values.excludeNamespaces }}{{ if $$i }}, {{ end }}'{{ $$name }}'{{ end }}]`))

	image = needed(replace("the image", `^(\s+image: ).*$`, "${1}{{ .Values.image }}"))

	args = needed(replace("the arguments", `^(\s+- )(--exclude-namespace=).*\n`, "{{- range sortAlpha .Values.excludeNamespaces }}\n"+
		"{{- if eq . $$.Values.watchNamespace }}\n{{- fail \"excludeNamespaces has watchNamespace\" }}\n{{- end }}\n"+
		"${1}${2}{{ . }}\n{{- end }}\n"+
		`{{- if ne .Values.fieldManager "portside" }}`+"\n${1}--field-manager={{ .Values.fieldManager }}\n{{- end }}\n"+
		"{{- with .Values.watchNamespace }}\n${1}--watch-namespace={{ . }}\n{{- end }}\n"))
)

// eachDiscoveryNamespace repeats a RoleBinding for each namespace that opts in.
var eachDiscoveryNamespace = []edit{
	needed(replace("the namespace", `^(  namespace: )storage$`, "${1}{{ . }}")),
	needed(replace("the kind of the role", `^(  kind: )ClusterRole$`, "${1}{{ if not $$.Values.watchNamespace }}Cluster{{ end }}Role")),
	{"the namespaces", func(text string) string {
		return "{{- range .Values.discoveryNamespaces }}\n" +
			"{{- if and $.Values.watchNamespace (ne . $.Values.watchNamespace) }}\n" +
			"{{- fail (printf \"discoveryNamespaces has %q, which is not watchNamespace %q\" . $.Values.watchNamespace) }}\n{{- end }}\n" +
			"---\n" + text + "{{- end }}\n"
	}, true},
}

// when leaves the file empty unless a condition holds.
func when(condition string) edit {
	return edit{"the condition", func(text string) string {
		return "{{- if " + condition + " }}\n" + strings.TrimSuffix(text, "\n") + "\n{{- end }}\n"
	}, true}
}
