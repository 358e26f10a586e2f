package ownership_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
)

func TestFind(t *testing.T) {
	t.Parallel()
	tree, err := ownership.Of(object(t, `
spec: {replicas: 1, args: [x], labels: {a: b}, containers: [{name: web, env: [{name: MODE}], ports: [{port: 1, protocol: TCP}, {port: 1, protocol: UDP}]}, {name: "a.b", env: []}], loose: [{x: 1}]}
finalizers: [z]`,
		"git/Apply", `{"f:finalizers":{"v:\"z\"":{}},"f:spec":{"f:replicas":{},"f:args":{},"f:labels":{"f:a":{}},"f:containers":{"k:{\"name\":\"a.b\"}":{".":{},"f:name":{}},"k:{\"name\":\"web\"}":{".":{},"f:name":{},`+
			`"f:env":{"k:{\"name\":\"MODE\"}":{".":{},"f:name":{}}},"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{".":{}},"k:{\"port\":1,\"protocol\":\"UDP\"}":{".":{}}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"spec.containers":                          `.spec.containers`,
		".spec.containers":                         `.spec.containers`,
		"spec.containers[web].env":                 `.spec.containers[name="web"].env`,
		`spec.containers[name="web"].env`:          `.spec.containers[name="web"].env`,
		"spec.containers[name=web].ports":          `.spec.containers[name="web"].ports`,
		"spec":                                     "spec is a map, and no keyed list; its keyed lists are spec.containers, ",
		"spec.replicas":                            "spec.replicas is a number, and no keyed list",
		"spec.args":                                "spec.args is an atomic list, and no keyed list",
		"spec.loose":                               `.spec.loose`,
		"finalizers":                               "finalizers is a set of values, and no keyed list",
		"spec.gone":                                "spec has no field gone",
		"gone.deep":                                "the object has no field gone",
		"spec.containers.env":                      `spec.containers is a keyed list: name one of its items, such as spec.containers[name="web"]`,
		"spec.containers[db].env":                  `spec.containers has no item [db]; it has [name="web"] [name="a.b"]`,
		"spec.args[x].env":                         "spec.args is an atomic list, whose items have no key",
		"spec.containers[web].ports[1].x":          `has several items [1]: [port=1,protocol="TCP"] [port=1,protocol="UDP"]`,
		"spec.containers[web].ports[1,UDP].x":      `ports[port=1,protocol="UDP"] has no field x`,
		"spec.containers[web].ports[port=1,tcp].x": `has no item [port=1,tcp]`,
		`spec.containers["a.b"].env`:               `spec.containers[name="a.b"].env is a list of which no manager owns an item, and no keyed list`,
		"":                                         "cannot read the path",
		"spec..x":                                  "the name of a field is missing",
		"spec.containers[web":                      "a bracket is not closed",
		"spec.containers[]":                        "a key in brackets is empty",
		"spec.containers[web]env":                  `"env" follows a bracket`,
		"[web]":                                    "the name of a field is missing",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			var got string
			parsed, err := ownership.ParseListPath(path)
			var node *ownership.Node
			if err == nil {
				node, err = tree.Find(parsed)
			}
			switch {
			case err != nil:
				got = err.Error()
			default:
				got = node.Path
			}
			if !strings.Contains(got, want) || want[0] == '.' && got != want && node == nil {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	parsed, err := ownership.ParseListPath("spec.replicas")
	if err != nil {
		t.Fatal(err)
	}
	_, err = tree.Find(parsed)
	var none *ownership.NoListError
	if !errors.As(err, &none) || none.Absent || strings.Join(none.Lists, " ") != `spec.containers spec.containers[name="web"].env spec.containers[name="web"].ports` {
		t.Errorf("error %v", err)
	}
}
