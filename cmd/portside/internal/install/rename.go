package install

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply"
)

// instanceLabel is on what each installation has of its own.
const instanceLabel = "app.kubernetes.io/instance"

func isOfInstallation(object *unstructured.Unstructured) bool {
	_, is := object.GetLabels()[instanceLabel]
	return is
}

// rename gives an object of an installation its name, and the names of what it
// refers to.
func (o Options) rename(object *unstructured.Unstructured) {
	object.SetName(o.nameOf(object.GetName()))
	rewrite(object.Object, "", o.rewritten)
	if role, found := object.Object["roleRef"].(map[string]any); found {
		role["name"] = o.nameOf(role["name"].(string))
	}
	subjects, _ := object.Object["subjects"].([]any)
	for _, subject := range subjects {
		subject := subject.(map[string]any)
		subject["name"] = o.nameOf(subject["name"].(string))
	}
}

// nameOf is the name that the manifests' name stands for: the field manager's,
// with what the manifests add to it.
func (o Options) nameOf(name string) string {
	return o.FieldManager + strings.TrimPrefix(name, apply.DefaultFieldManager)
}

// rewritten is what a string becomes, by the key that it is at.
func (o Options) rewritten(key, value string) string {
	switch key {
	case "namespace":
		return o.Namespace
	case instanceLabel, "serviceAccountName", "policyName", "resourceNames":
		return o.nameOf(value)
	case "expression":
		// CEL's literals: the policies name the ServiceAccount, its namespace,
		// the field manager and the excluded namespaces in no other way.
		return strings.NewReplacer(
			"'system:serviceaccount:"+DefaultNamespace+":"+apply.DefaultFieldManager+"'",
			"'system:serviceaccount:"+o.Namespace+":"+o.FieldManager+"'",
			"'"+DefaultNamespace+"'", "'"+o.Namespace+"'",
			"'"+apply.DefaultFieldManager+"'", "'"+o.FieldManager+"'",
			"['"+DefaultExcludedNamespace+"']", celList(o.ExcludeNamespaces),
		).Replace(value)
	}
	return value
}

// celList returns a list of strings as CEL has it.
func celList(values []string) string {
	var quoted []string
	for _, value := range values {
		quoted = append(quoted, "'"+value+"'")
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// rewrite replaces each string below value. What is in a list has the list's
// key.
func rewrite(value any, key string, by func(key, value string) string) any {
	switch value := value.(type) {
	case map[string]any:
		for k, v := range value {
			value[k] = rewrite(v, k, by)
		}
	case []any:
		for i, v := range value {
			value[i] = rewrite(v, key, by)
		}
	case string:
		return by(key, value)
	}
	return value
}
