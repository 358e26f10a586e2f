package apply_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	appsclient "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
)

// sent records requests as they are sent.
type sent struct {
	http.RoundTripper
	requests *[]string
}

func (s sent) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	*s.requests = append(*s.requests, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("Accept")+"\n"+string(body))
	return s.RoundTripper.RoundTrip(r)
}

func recording(config *rest.Config, requests *[]string) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return sent{next, requests} })
	return config
}

// TestClientGo sends what client-go's typed client sends for the same apply
// configuration, byte for byte.
func TestClientGo(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	namespace := cp.Namespace(t)
	cp.Manager(testenv.ArgoCD).In(namespace).MustApply(t, declared(workload.StatefulSet, static))
	var ours, typed []string
	apps, err := appsclient.NewForConfig(recording(cp.Config(), &ours))
	if err != nil {
		t.Fatal(err)
	}
	applier, err := apply.New(workload.ClientGo(apps), apply.WithDryRun(true))
	if err != nil {
		t.Fatal(err)
	}
	result, err := applier.Apply(t.Context(), workload.Target{Kind: workload.StatefulSet, Namespace: namespace, Name: dittofs}, apply.Desired{Adapters: []apply.Adapter{nfs}})
	if err != nil {
		t.Fatal(err)
	}
	apps, err = appsclient.NewForConfig(recording(cp.Config(), &typed))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := apps.StatefulSets(namespace).Get(t.Context(), dittofs, metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	configuration := applyappsv1.StatefulSet(dittofs, namespace).WithUID(result.Before.UID).WithSpec(applyappsv1.StatefulSetSpec().WithTemplate(
		applycorev1.PodTemplateSpec().WithSpec(applycorev1.PodSpec().WithContainers(applycorev1.Container().WithName(dittofs).WithPorts(
			applycorev1.ContainerPort().WithName("adapter-nfs").WithContainerPort(12049).WithProtocol(corev1.ProtocolTCP))))))
	if _, err := apps.StatefulSets(namespace).Apply(t.Context(), configuration, metav1.ApplyOptions{FieldManager: apply.DefaultFieldManager, DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ours, typed) {
		t.Errorf("sent\n%s\nclient-go's typed client sends\n%s", ours, typed)
	}
}

// TestControllerRuntime carries out plans with controller-runtime's client, with as many
// requests as with client-go's: none for what is up to date, one for a change.
func TestControllerRuntime(t *testing.T) {
	t.Parallel()
	cp := testenv.Shared(t)
	for _, kind := range workload.Kinds() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			namespace := cp.Namespace(t)
			cp.Manager(testenv.ArgoCD).In(namespace).MustApply(t, declared(kind, static))
			// With the mapping in memory, no request is sent for it.
			mapped, err := client.New(cp.Config(), client.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var requests testenv.Requests
			direct, err := client.New(requests.Wrap(cp.Config()), client.Options{Mapper: mapped.RESTMapper()})
			if err != nil {
				t.Fatal(err)
			}
			applier, err := apply.New(workload.ControllerRuntime(direct))
			if err != nil {
				t.Fatal(err)
			}
			w, err := applier.Get(t.Context(), workload.Target{Kind: kind, Namespace: namespace, Name: dittofs})
			if err != nil {
				t.Fatal(err)
			}
			desired := apply.Desired{Adapters: []apply.Adapter{nfs, smb}}
			result, err := applyFrom(t.Context(), applier, trimmed(w, apply.DefaultFieldManager), desired)
			if err != nil || result.Outcome != apply.Applied || !result.UpToDate {
				t.Fatalf("%s, %v", result.Outcome, err)
			}
			if gets, applies := requests.Count(testenv.VerbGet), requests.Count(testenv.VerbApply); gets != 1 || applies != 1 {
				t.Errorf("it took %s, want one get and one apply", &requests)
			}
			if _, current, err := upToDate(applier, result.After, desired); !current || err != nil {
				t.Errorf("it is up to date: %t, %v", current, err)
			}
			if want := []string{"api:8080/TCP", "adapter-smb:1445/TCP", "adapter-nfs:12049/TCP"}; !slices.Equal(portsOf(result.After), want) {
				t.Errorf("ports %q, want %q", portsOf(result.After), want)
			}
			released, err := applier.Release(t.Context(), result.Target, true)
			if err != nil || released.Outcome != apply.Applied || requests.Count(testenv.VerbPatch) != 1 {
				t.Errorf("a release that keeps the ports: %s, %v, %s", released.Outcome, err, &requests)
			}
		})
	}
}
