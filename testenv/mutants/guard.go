package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// guards finds the mutants of each policy, by the name of its file in the chart.
var guards = map[string]finder{
	"policy-guard.yaml":             policies("^Test(Attacks|Guard(Refuses(OtherVerbs|Paused|NewPorts|Excluded)?|Keeps.*|LimitsAdapterPorts|RefusesPausedWorkloads|RefusesNewPortsWithHostNetwork|RefusesExcludedNamespaces))$"),
	"policy-guard-services.yaml":    policies("^Test(ServiceChanges|Guard(RefusesServiceFields|KeepsManagedFieldsOfServices|KeepsSharedServicePorts|RefusesPausedServices|RefusesServicesOfExcludedNamespaces|LimitsServicePorts|RefusesOtherVerbsOnServices|RefusesLaterServiceFields))$"),
	"policy-guard-adaptersets.yaml": policies("AdapterSet"),
	"policy-guard-events.yaml":      policies("^TestGuard(LimitsEvents|AllowsEvents)$"),
	"policy-guard-leases.yaml":      policies("^TestGuardLimitsLeases$"),
	"policy-name.yaml":              policies("^Test(NameIsReserved|NameAllowsOwners)$"),
	"policy-name-services.yaml":     policies("^TestServiceNameIsReserved$"),
}

func policies(run string) finder {
	return finder{pkg: "./cmd/portside/internal/install", run: run}
}

const templates = "examples/chart/templates"

// guardMutants returns a mutant for each validation of the policies, which then lets all
// pass, with the repository's root.
func guardMutants(root string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(root, templates, "policy-*.yaml"))
	if err != nil {
		return nil, err
	}
	var mutants []mutant
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		_, validations, validates := strings.Cut(string(text), "\n  validations:\n")
		if !validates {
			continue
		}
		name := filepath.Base(path)
		found, known := guards[name]
		if !known {
			return nil, fmt.Errorf("%s has validations, and no tests that find mutants of it: add it to guards", name)
		}
		validations, _, _ = strings.Cut(validations, "\n---")
		for i, one := range expressions(validations) {
			mutants = append(mutants, mutant{
				rule: fmt.Sprintf("%s, validation %d: %s", strings.TrimSuffix(name, ".yaml"), i+1, one.message),
				file: filepath.Join(templates, name), old: one.text, new: one.always, found: found,
			})
		}
	}
	return mutants, nil
}

// expression is one validation. always is its text with an expression that is always true.
type expression struct{ message, text, always string }

// expressions returns the validations of a policy.
func expressions(validations string) []expression {
	const key = "    expression: "
	var all []expression
	for validation := range strings.SplitSeq(validations, "\n  - ") {
		before, cel, has := strings.Cut(validation, key)
		if !has {
			continue
		}
		_, message, _ := strings.Cut(before, "message: ")
		e := expression{message: strings.Join(strings.Fields(strings.TrimPrefix(message, ">-")), " ")}
		line, rest, _ := strings.Cut(cel, "\n")
		first, _, _ := strings.Cut(strings.TrimLeft(rest, " "), "\n")
		switch {
		case line == "|-":
			e.text, e.always = before+key+line+"\n      "+first, before+key+line+"\n      true || "+first
		case strings.HasPrefix(line, `"`):
			e.text, e.always = before+key+line, before+key+`"true || `+line[1:]
		default:
			e.text, e.always = before+key+line, before+key+"true || "+line
		}
		all = append(all, e)
	}
	return all
}
