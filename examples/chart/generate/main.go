// Command generate writes the templates of the Helm chart: the manifests of
// examples/install, with what is to be chosen taken from the chart's values. Run
// it in examples/chart:
//
//	go run ./generate
//
// It works on text, so that the comments of the manifests stay.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	files, err := chart()
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if err != nil {
			break
		}
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.WriteFile(path, []byte(files[path]), 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// chart are the generated files by their paths in the chart.
func chart() (map[string]string, error) {
	files := map[string]string{}
	for _, g := range []struct {
		source, target string
		edits          []edit
	}{
		{"crd/portside.dev_adaptersets.yaml", "crds/adaptersets.yaml", nil},
		{"rbac/serviceaccount.yaml", "templates/serviceaccount.yaml", instance},
		{"rbac/controller.yaml", "templates/role.yaml", slices.Concat(instance, ofOneNamespace, []edit{use})},
		{"rbac/discovery.yaml", "templates/role-discovery.yaml", slices.Concat(instance, ofOneNamespace,
			[]edit{when(`or (not .Values.watchNamespace) .Values.discoveryNamespaces`)})},
		{"rbac/discovery-binding.yaml", "templates/role-discovery-binding.yaml", slices.Concat(instance, eachDiscoveryNamespace)},
		{"rbac/metrics.yaml", "templates/role-metrics.yaml", slices.Concat(instance, []edit{when(`not .Values.watchNamespace`)})},
		{"rbac/metrics-reader.yaml", "templates/role-metrics-reader.yaml", []edit{when(`and .Values.userRoles (not .Values.watchNamespace)`)}},
		{"rbac/leader-election.yaml", "templates/role-leader-election.yaml", instance},
		{"rbac/user-roles.yaml", "templates/user-roles.yaml", slices.Concat(ofOneNamespace, []edit{aggregation, when(`.Values.userRoles`)})},
		{"policy/guard.yaml", "templates/policy-guard.yaml", slices.Concat(instance, []edit{excluded, when(`include "portside.validating" .`)})},
		{"policy/guard-adaptersets.yaml", "templates/policy-guard-adaptersets.yaml", slices.Concat(instance, []edit{when(`include "portside.validating" .`)})},
		{"policy/guard-events.yaml", "templates/policy-guard-events.yaml", slices.Concat(instance, []edit{when(`include "portside.validating" .`)})},
		{"policy/guard-leases.yaml", "templates/policy-guard-leases.yaml", slices.Concat(instance, []edit{when(`include "portside.validating" .`)})},
		{"policy/name.yaml", "templates/policy-name.yaml", slices.Concat(instance, []edit{when(`include "portside.validating" .`)})},
		{"policy/leftover.yaml", "templates/policy-leftover.yaml", slices.Concat(instance, []edit{when(`include "portside.mutating" .`)})},
		{"deployment.yaml", "templates/deployment.yaml", slices.Concat(instance, []edit{image, args})},
		{"poddisruptionbudget.yaml", "templates/poddisruptionbudget.yaml", instance},
		{"service.yaml", "templates/service.yaml", instance},
	} {
		text, err := source(g.source)
		if err != nil {
			return nil, err
		}
		for _, e := range g.edits {
			edited := e.do(text)
			if edited == text && e.must {
				return nil, fmt.Errorf("%s: nothing to edit: %s", g.source, e.what)
			}
			text = edited
		}
		if strings.HasPrefix(g.target, "templates/") {
			text = "{{- /* Generated from examples/install/" + g.source + " by go run ./generate */ -}}\n" + text
		}
		files[g.target] = text
	}
	return files, nil
}
