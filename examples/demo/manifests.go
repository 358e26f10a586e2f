package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/portside-dev/portside/testenv"
)

// Names in the manifests of the demo and of examples/dittofs.
const (
	namespace = "storage"
	workload  = "dittofs"
	container = "dittofs"
	service   = "dittofs-file"
)

// inGit are the files that Argo CD syncs, in its order, by their path from
// examples/dittofs, where portside runs.
var inGit = []string{"../demo/git/namespace.yaml", "../demo/git/service.yaml", "../demo/git/statefulset.yaml"}

// manifests are the objects in Git.
type manifests struct{ objects []*unstructured.Unstructured }

func readManifests(dir string, files ...string) (*manifests, error) {
	m := &manifests{}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if err := m.add(text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return m, nil
}

func (m *manifests) add(text []byte) error {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := m.addObject(document); err != nil {
			return err
		}
	}
}

// addObject adds an object in a form that [testenv.Object] accepts.
func (m *manifests) addObject(from any) error {
	object, err := testenv.Object(from)
	if err != nil {
		return err
	}
	m.objects = append(m.objects, object)
	return nil
}

// of returns the objects of a kind.
func (m *manifests) of(kind string) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, object := range m.objects {
		if object.GetKind() == kind {
			all = append(all, object)
		}
	}
	return all
}

// dropPort is a commit that removes a static port from the StatefulSet.
func (m *manifests) dropPort(name string) {
	for _, object := range m.of("StatefulSet") {
		testenv.EditContainer(object, container, func(c map[string]any) {
			var left []any
			ports, _ := c["ports"].([]any)
			for _, port := range ports {
				if p, isMap := port.(map[string]any); !isMap || p["name"] != name {
					left = append(left, port)
				}
			}
			c["ports"] = left
		})
	}
}

// addPort is a commit that declares a port in the StatefulSet.
func (m *manifests) addPort(name string, number int64) {
	for _, object := range m.of("StatefulSet") {
		testenv.EditContainer(object, container, func(c map[string]any) {
			ports, _ := c["ports"].([]any)
			c["ports"] = append(ports, map[string]any{"name": name, "containerPort": number, "protocol": "TCP"})
		})
	}
}

// renameContainer is a commit that renames the container, also in the AdapterSet.
func (m *manifests) renameContainer(name string) error {
	for _, object := range m.of("StatefulSet") {
		testenv.EditContainer(object, container, func(c map[string]any) { c["name"] = name })
	}
	for _, object := range m.of("AdapterSet") {
		if err := unstructured.SetNestedField(object.Object, name, "spec", "container"); err != nil {
			return err
		}
	}
	return nil
}

// move moves all objects to another namespace.
func (m *manifests) move(namespace string) {
	for _, object := range m.objects {
		if object.GetKind() == "Namespace" {
			object.SetName(namespace)
		} else {
			object.SetNamespace(namespace)
		}
	}
}

// hasten has an AdapterSet ask the server of this name by HTTPS at this port, and sets short
// times. The removal delay is longer than the interval, so that an adapter that is not running in one
// answer can run in the next before its port is removed.
func (m *manifests) hasten(serverName string, port int) error {
	var errs []error
	set := func(object *unstructured.Unstructured, value any, path ...string) {
		errs = append(errs, unstructured.SetNestedField(object.Object, value, append([]string{"spec"}, path...)...))
	}
	for _, object := range m.of("AdapterSet") {
		set(object, "HTTPS", "discovery", "http", "scheme")
		set(object, serverName, "discovery", "http", "serverName")
		set(object, int64(port), "discovery", "http", "port")
		set(object, int64(5), "discovery", "http", "intervalSeconds")
		set(object, int64(4), "discovery", "http", "timeoutSeconds")
		set(object, int64(1), "rollout", "stabilizationWindowSeconds")
		set(object, int64(10), "rollout", "removalDelaySeconds")
	}
	return errors.Join(errs...)
}

// sync applies all objects as Argo CD does with ServerSideApply=true: under its own field
// manager, and with force.
func (m *manifests) sync(ctx context.Context, argo *testenv.Manager) error {
	for _, object := range m.objects {
		if _, err := argo.ForceApply(ctx, object); err != nil {
			return fmt.Errorf("argo CD's sync of %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}
