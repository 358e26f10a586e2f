//go:build rabbitmq

package rabbitmq

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/fixture"
	"github.com/portside-dev/portside/testenv/portside"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.Options{Controllers: true}) }

const (
	user     = "portside"
	password = "read-only"
	secret   = "rabbitmq-portside"
)

// scene is the example of RabbitMQ in a namespace, with a portside that runs.
type scene struct {
	*testing.T
	*broker
	cp        *testenv.ControlPlane
	namespace string
	git       *testenv.Manager
	live      *testenv.History
}

func newScene(t *testing.T) *scene {
	t.Helper()
	cp := testenv.WithControllers(t)
	portside.InstallCRD(t, cp)
	s := &scene{T: t, broker: startBroker(t), cp: cp, namespace: cp.Namespace(t)}
	s.git = cp.Manager("git").In(s.namespace)
	s.user(user, password)
	t.Cleanup(cp.ServePods(s.namespace, s.pods()))
	s.live = cp.Record(t, "StatefulSet", s.namespace, "rabbitmq")
	s.apply("statefulset.yaml", `{"spec":{"replicas":2}}`)
	s.apply("service.yaml", `{}`)
	cp.WaitRolledOut(t, "StatefulSet", s.namespace, "rabbitmq")
	if _, err := s.git.Apply(t.Context(), fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: %s, labels: {portside.dev/credentials: "true"}},
		stringData: {username: %s, password: %s}}`, secret, user, password)); err != nil {
		t.Fatal(err)
	}
	s.apply("adapterset.yaml", `{"spec":{"discovery":{"http":{"intervalSeconds":5,"timeoutSeconds":4}},"rollout":{"stabilizationWindowSeconds":0,"removalDelaySeconds":0},"services":[{"name":"rabbitmq-clients"}]}}`)
	portside.Run(t, portside.BuildFor(t), cp.Config(), "--watch-namespace="+s.namespace,
		"--leader-election-namespace="+s.namespace, "--metrics-secure=false", "--allow-loopback-pods", "--services").WaitReady()
	return s
}

// apply applies an object of the example, and then a merge patch: what makes the test
// fast.
func (s *scene) apply(file, patch string) {
	s.Helper()
	path, err := testenv.ModuleFile("examples/rabbitmq/" + file)
	if err != nil {
		s.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		s.Fatal(err)
	}
	object, err := testenv.Object(text)
	if err != nil {
		s.Fatal(err)
	}
	object.SetNamespace(s.namespace)
	s.git.MustApply(s.T, object)
	if _, err := s.git.Patch(s.Context(), object.GetKind(), "", object.GetName(), types.MergePatchType, []byte(patch)); err != nil {
		s.Fatal(err)
	}
}

// until waits until the container and the Service have the static port and those of these
// protocols, and the rollout is complete.
func (s *scene) until(protocols ...string) {
	s.Helper()
	container, service := []string{"management:15672/TCP"}, []string{"management:15672/TCP->management"}
	for _, protocol := range protocols {
		container = append(container, fmt.Sprintf("adapter-%s:%d/TCP", protocol, s.ports[protocol]))
		service = append(service, fmt.Sprintf("adapter-%s:%[2]d/TCP->%[2]d", protocol, s.ports[protocol]))
	}
	testenv.Eventually(s, fmt.Sprintf("the ports of %q", protocols), func(ctx context.Context) error {
		for _, of := range []struct {
			kind, name string
			ports      []string
		}{{"StatefulSet", "rabbitmq", container}, {"Service", "rabbitmq-clients", service}} {
			live, err := s.git.Get(ctx, of.kind, "", of.name)
			if err != nil {
				return err
			}
			if err := testenv.CheckPorts(live, "rabbitmq", of.ports...); err != nil {
				return err
			}
		}
		_, err := s.cp.RolledOut(ctx, "StatefulSet", s.namespace, "rabbitmq")
		return err
	})
}

// untilDiscovered waits until Discovered is true or false, for one of these reasons.
func (s *scene) untilDiscovered(is string, reasons ...string) {
	s.Helper()
	testenv.Eventually(s, fmt.Sprintf("Discovered to be %s, %q", is, reasons), func(ctx context.Context) error {
		set, err := s.git.Get(ctx, "AdapterSet", "", "rabbitmq")
		if err != nil {
			return err
		}
		if c := fixture.Condition(set, "Discovered"); string(c.Status) != is || !slices.Contains(reasons, c.Reason) {
			return fmt.Errorf("it is %s, %s: %s", c.Status, c.Reason, c.Message)
		}
		return nil
	})
}

// expectUnchanged fails the test if a function causes a change of the pod template or of
// the Service.
func (s *scene) expectUnchanged(what string, cause func()) {
	s.Helper()
	version := func() string { return s.git.MustGet(s, "Service", "", "rabbitmq-clients").GetResourceVersion() }
	before, was := testenv.TemplateChanges(s.live.Stored(s)), version()
	cause()
	if n := testenv.TemplateChanges(s.live.Stored(s)) - before; n != 0 {
		s.Errorf("%s caused %d changes of the pod template", what, n)
	}
	if is := version(); is != was {
		s.Errorf("%s changed the Service", what)
	}
}

func (s *scene) setPassword(value string) {
	s.Helper()
	patch := fmt.Sprintf(`{"data":{"password":%q}}`, base64.StdEncoding.EncodeToString([]byte(value)))
	if _, err := s.git.Patch(s.Context(), "Secret", "", secret, types.MergePatchType, []byte(patch)); err != nil {
		s.Fatal(err)
	}
}

// poll has portside ask the pods again, and waits until that is handled.
func (s *scene) poll() {
	s.Helper()
	at := time.Now().Format(time.RFC3339Nano)
	if _, err := s.git.Patch(s.Context(), "AdapterSet", "", "rabbitmq", types.MergePatchType,
		fmt.Appendf(nil, `{"metadata":{"annotations":{"portside.dev/requestedAt":%q}}}`, at)); err != nil {
		s.Fatal(err)
	}
	testenv.Eventually(s, "the request to be handled", func(ctx context.Context) error {
		set, err := s.git.Get(ctx, "AdapterSet", "", "rabbitmq")
		if err != nil {
			return err
		}
		if handled, _, _ := unstructured.NestedString(set.Object, "status", "lastHandledReconcileAt"); handled != at {
			return fmt.Errorf("the last one was %q", handled)
		}
		return nil
	})
}

// TestPlugins enables and disables plugins of a broker that runs: their ports come and go,
// in the container and in the Service. Nothing changes while the broker refuses portside
// or is stopped.
func TestPlugins(t *testing.T) {
	s := newScene(t)
	s.until("amqp")
	s.plugins("enable", "rabbitmq_mqtt", "rabbitmq_stomp")
	s.until("amqp", "mqtt", "stomp")
	s.plugins("disable", "rabbitmq_mqtt")
	s.until("amqp", "stomp")
	s.untilDiscovered("True", "Answered")

	s.expectUnchanged("wrong credentials", func() {
		s.setPassword("wrong")
		s.plugins("disable", "rabbitmq_stomp")
		s.untilDiscovered("False", "Unauthorized")
		s.poll()
		s.until("amqp", "stomp")
	})
	s.setPassword(password)
	s.poll()
	s.until("amqp")
	s.untilDiscovered("True", "Answered")

	s.expectUnchanged("a broker that was stopped and started", func() {
		s.stop()
		s.untilDiscovered("False", "Interrupted", "Unreachable")
		s.poll()
		s.until("amqp")
		s.start()
		s.untilDiscovered("True", "Answered")
	})
	s.plugins("enable", "rabbitmq_mqtt")
	s.until("amqp", "mqtt")
}
