package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
)

// declare writes the target in the owner's way, and creates it if it does not exist.
func (s *site) declare(ctx context.Context) error {
	return s.write(ctx, s.Kind, s.ownerName(), func(ctx context.Context, m *testenv.Manager) (*unstructured.Unstructured, error) {
		switch s.Style {
		case serverSide:
			return m.ForceApply(ctx, s.manifest())
		case clientSide:
			return applyClientSide(ctx, m, s.Kind, s.manifest())
		case updates:
		}
		stored, err := m.Update(ctx, s.Kind, "", name, func(o *unstructured.Unstructured) { keepAdapterPorts(o, s.manifest()) })
		for range 5 {
			if !apierrors.IsConflict(err) {
				break
			}
			stored, err = m.Update(ctx, s.Kind, "", name, func(o *unstructured.Unstructured) { keepAdapterPorts(o, s.manifest()) })
		}
		if apierrors.IsNotFound(err) {
			return m.Create(ctx, s.manifest())
		}
		return stored, err
	})
}

func (s *site) ownerName() string {
	switch s.Style {
	case clientSide:
		return testenv.KubectlClientSideApply
	case updates:
		return "operator"
	case serverSide:
	}
	return "git"
}

// manifest is the target as its owner declares it.
func (s *site) manifest() *unstructured.Unstructured {
	options := []fixture.Option{fixture.Container(container, s.declared...), fixture.Container("sidecar", "side:7000/TCP")}
	switch s.Kind {
	case "DaemonSet":
		options = append(options, fixture.Spec("template: {spec: {terminationGracePeriodSeconds: 0}}"))
		if s.Replicas == 0 { // on no node
			options = append(options, fixture.Spec(`template: {spec: {nodeSelector: {"no": node}}}`))
		}
	default:
		options = append(options, fixture.Spec(fmt.Sprintf("replicas: %d", s.Replicas)), fixture.Spec("template: {spec: {terminationGracePeriodSeconds: 0}}"))
	}
	return fixture.Workload(s.Kind, name, options...)
}

func (s *site) serviceManifest(ports []string) map[string]any {
	list := []any{}
	for _, port := range ports {
		portName, rest, _ := strings.Cut(port, ":")
		digits, proto, _ := strings.Cut(rest, "/")
		number, err := strconv.ParseInt(digits, 10, 32)
		if err != nil {
			panic(fmt.Sprintf("lab: port %q: %v", port, err))
		}
		list = append(list, map[string]any{"name": portName, "port": number, "protocol": proto, "targetPort": number})
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"type": s.Service, "selector": map[string]any{"app": name}, "ports": list},
	}
}
