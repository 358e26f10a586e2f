package controller_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/controller"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

// configMapSource is a source that reads a ConfigMap, whose keys are types and whose
// values are numbers. A further source needs nothing else.
type configMapSource struct {
	configMaps corev1client.ConfigMapsGetter
	name       string
}

// Interval implements discovery.Source.
func (configMapSource) Interval() time.Duration { return 100 * time.Millisecond }

// Questions implements discovery.Source.
func (s configMapSource) Questions(_ context.Context, w discovery.Workload) ([]discovery.Question, discovery.Readiness, error) {
	return []discovery.Question{{Ask: func(ctx context.Context) ([]apply.Adapter, error) {
		found, err := s.configMaps.ConfigMaps(w.Target.Namespace).Get(ctx, s.name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil, &discovery.Error{Reason: "ConfigMapMissing", Message: "the ConfigMap does not exist"}
		}
		if err != nil {
			return nil, err
		}
		var active []apply.Adapter
		for typ, text := range found.Data {
			number, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, &discovery.Error{Reason: discovery.Malformed}
			}
			active = append(active, apply.Adapter{Type: typ, Port: number})
		}
		return active, nil
	}}}, discovery.Readiness{}, nil
}

// TestToySource runs the service with a source of another package.
func TestToySource(t *testing.T) {
	t.Parallel()
	cp := testenv.WithControllers(t)
	ns := cp.Namespace(t)
	portside.InstallCRD(t, cp)
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	controller.RunWithSource(t, cp.Config(), ns, func(set *v1alpha1.AdapterSet) (discovery.Source, error) {
		if d := set.Spec.Discovery; d != nil && d.HTTP.Path == "/config-map" {
			return configMapSource{client.CoreV1(), set.Name}, nil
		}
		return nil, nil
	})
	git := cp.Manager("git").In(ns)
	write := func(data string) {
		t.Helper()
		git.MustApply(t, fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: files}, data: {%s}}", data))
	}
	expect := func(reason string, ports ...string) {
		t.Helper()
		testenv.Eventually(t, fmt.Sprintf("ports %q, Discovered for the reason %s", ports, reason), func(ctx context.Context) error {
			live, err := git.Get(ctx, "StatefulSet", ns, "files")
			if err != nil {
				return err
			}
			set, err := git.Get(ctx, "AdapterSet", ns, "files")
			if err != nil {
				return err
			}
			if got := testenv.Ports(live, "server"); !slices.Equal(got, append([]string{"api:8080/TCP"}, ports...)) {
				return fmt.Errorf("they are %q", got)
			}
			if got := fixture.Condition(set, "Discovered").Reason; got != reason {
				return fmt.Errorf("the reason is %q", got)
			}
			return nil
		})
	}
	write(`nfs: "12049"`)
	git.MustApply(t,
		fixture.StatefulSet("files", fixture.Container("server", "api:8080/TCP"), fixture.Spec("replicas: 0")),
		fixture.AdapterSet("files", fixture.Target("StatefulSet", "files"), fixture.Discovery("port: api, scheme: HTTP, path: /config-map"), fixture.Rollout(0, 0)))
	expect("Answered", "adapter-nfs:12049/TCP")
	write(`nfs: "12049", smb: "1445"`)
	expect("Answered", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP")
	git.MustDelete(t, "ConfigMap", ns, "files")
	expect("ConfigMapMissing", "adapter-nfs:12049/TCP", "adapter-smb:1445/TCP")
	write(`smb: "1445"`)
	expect("Answered", "adapter-smb:1445/TCP")
}
