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
	cp.WaitRolledOut(t, "StatefulSet", s.namespace, "rabbitmq")
	if _, err := s.git.Apply(t.Context(), fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: %s, labels: {portside.dev/credentials: "true"}},
		stringData: {username: %s, password: %s}}`, secret, user, password)); err != nil {
		t.Fatal(err)
	}
	s.apply("adapterset.yaml", `{"spec":{"discovery":{"http":{"intervalSeconds":5,"timeoutSeconds":4}},"rollout":{"stabilizationWindowSeconds":0,"removalDelaySeconds":0}}}`)
	portside.Run(t, portside.BuildFor(t), cp.Config(), "--watch-namespace="+s.namespace,
		"--leader-election-namespace="+s.namespace, "--metrics-secure=false", "--allow-loopback-pods").WaitReady()
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

// until waits until the container has the static port and those of these protocols.
func (s *scene) until(protocols ...string) {
	s.Helper()
	want := []string{"management:15672/TCP"}
	for _, protocol := range protocols {
		want = append(want, fmt.Sprintf("adapter-%s:%d/TCP", protocol, s.ports[protocol]))
	}
	slices.Sort(want)
	testenv.Eventually(s, fmt.Sprintf("the ports %q", want), func(ctx context.Context) error {
		live, err := s.git.Get(ctx, "StatefulSet", "", "rabbitmq")
		if err != nil {
			return err
		}
		got := testenv.Ports(live, "rabbitmq")
		if slices.Sort(got); !slices.Equal(got, want) {
			return fmt.Errorf("they are %q", got)
		}
		_, err = s.cp.RolledOut(ctx, "StatefulSet", s.namespace, "rabbitmq")
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

// changesOf returns how many changes of the pod template a function causes.
func (s *scene) changesOf(cause func()) int {
	s.Helper()
	before := testenv.TemplateChanges(s.live.Stored(s))
	cause()
	return testenv.TemplateChanges(s.live.Stored(s)) - before
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

// TestPlugins enables and disables plugins of a broker that runs: their ports come and
// go, and nothing changes while the broker refuses portside or is stopped.
func TestPlugins(t *testing.T) {
	s := newScene(t)
	s.until("amqp")
	s.plugins("enable", "rabbitmq_mqtt", "rabbitmq_stomp")
	s.until("amqp", "mqtt", "stomp")
	s.plugins("disable", "rabbitmq_mqtt")
	s.until("amqp", "stomp")
	s.untilDiscovered("True", "Answered")

	if n := s.changesOf(func() {
		s.setPassword("wrong")
		s.plugins("disable", "rabbitmq_stomp")
		s.untilDiscovered("False", "Unauthorized")
		s.poll()
		s.until("amqp", "stomp")
	}); n != 0 {
		t.Errorf("wrong credentials caused %d changes of the pod template", n)
	}
	s.setPassword(password)
	s.poll()
	s.until("amqp")
	s.untilDiscovered("True", "Answered")

	if n := s.changesOf(func() {
		s.stop()
		s.untilDiscovered("False", "Interrupted", "Unreachable")
		s.poll()
		s.until("amqp")
		s.start()
		s.untilDiscovered("True", "Answered")
	}); n != 0 {
		t.Errorf("a broker that was stopped and started caused %d changes of the pod template", n)
	}
	s.plugins("enable", "rabbitmq_mqtt")
	s.until("amqp", "mqtt")
}
