package controller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
	"github.com/portside-dev/portside/testenv/fixture"
)

// forgedPod claims a controller by its UID, as any user can who may create pods.
const forgedPod = `
apiVersion: v1
kind: Pod
metadata:
  name: forged
  labels: {app: files}
  ownerReferences: [{apiVersion: nowhere.example/v1, kind: Nothing, name: x, uid: %s, controller: true}]
spec: {containers: [{name: server, image: evil, ports: [{name: api, containerPort: 8080}]}]}
`

const mayEdit = `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: mallory}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: mallory}]
`

// attacker is a server in pods. It records the requests, accepts every login, and
// answers with an adapter of its own.
type attacker struct {
	mu       sync.Mutex
	received []string
}

func (a *attacker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.received = append(a.received, fmt.Sprintf("%s %s %s %s", r.Method, r.URL.Path, r.Header.Get("Authorization"), body))
	if strings.Contains(r.URL.Path, "/auth/") {
		_, _ = io.WriteString(w, `{"access_token":"evil","expires_in":900}`)
		return
	}
	_, _ = io.WriteString(w, `[{"type":"evil","port":6666,"enabled":true,"running":true}]`)
}

func (a *attacker) got() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.received
}

// TestForgedPod runs a pod of a user who may edit another namespace and knows the UID
// of a target. The pod receives no credentials and no token, and adds no port.
func TestForgedPod(t *testing.T) {
	t.Parallel()
	a := stoppedAsking(t, false)
	a.startAs(a.cp.Config(), func(o *Options) {
		o.Namespace, o.Selector = "", labels.SelectorFromSet(labels.Set{"test": a.ns})
	})
	a.git.MustApply(t, statefulSet())
	a.waitRolledOut(t)
	a.git.MustApply(t, askingSet("StatefulSet", "files", v1alpha1.SchemeHTTP, 20, fixture.Metadata("labels: {test: "+a.ns+"}")))
	a.untilPorts(nfsSMB...)
	uid := a.waitRolledOut(t).GetUID()

	evil, server := a.forge(uid)
	// The pod files-1 is watched after the forged one.
	asked := make(chan struct{})
	first := sync.OnceFunc(func() { close(asked) })
	honest := dittofs.Recorded("both-running")
	a.server.Answer(func(w http.ResponseWriter, r *http.Request) { first(); honest(w, r) }, "files-1")
	a.git.MustApply(t, statefulSet(fixture.Spec("replicas: 2")))
	a.until("files-1 to be asked", func(context.Context) error {
		select {
		case <-asked:
			return nil
		default:
			return errors.New("it was not asked yet")
		}
	})
	a.polls(2)
	if pod, err := a.cp.Manager("reader").Get(t.Context(), "Pod", evil, "forged"); err != nil || !ready(pod) {
		t.Errorf("the forged pod is not ready: %v", err)
	}
	if received := server.got(); len(received) > 0 {
		t.Errorf("the forged pod received\n%s", strings.Join(received, "\n"))
	}
	a.untilPorts(nfsSMB...)
	a.untilDiscovered("True", "Answered", "every ready pod answered")
}

// forge creates a namespace that mallory may edit, and a pod of hers in it that claims
// a controller.
func (a *asking) forge(controller types.UID) (namespace string, server *attacker) {
	a.Helper()
	namespace, server = a.cp.Namespace(a), &attacker{}
	a.Cleanup(a.cp.ServePods(namespace, testenv.PodServer{Port: 8080, Handler: func(*corev1.Pod) http.Handler { return server }}))
	a.cp.Manager("admin").In(namespace).MustApply(a, mayEdit)
	user, err := a.cp.User("mallory")
	if err != nil {
		a.Fatal(err)
	}
	mallory, err := testenv.NewManager(user, "mallory")
	if err != nil {
		a.Fatal(err)
	}
	testenv.Eventually(a, "the forged pod to be ready", func(ctx context.Context) error {
		pod, err := mallory.In(namespace).Apply(ctx, fmt.Sprintf(forgedPod, controller))
		if err != nil {
			return err // the authorizer has not loaded the role yet
		}
		if !ready(pod) {
			return errors.New("it is not")
		}
		return nil
	})
	return namespace, server
}

func ready(pod *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(pod.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return condition["type"] == "Ready" && condition["status"] == "True"
	})
}
