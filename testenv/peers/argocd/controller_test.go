package argocd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/tracing"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/controller"
	statecache "github.com/argoproj/argo-cd/v3/controller/cache"
	"github.com/argoproj/argo-cd/v3/controller/metrics"
	"github.com/argoproj/argo-cd/v3/controller/sharding"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	appfake "github.com/argoproj/argo-cd/v3/pkg/client/clientset/versioned/fake"
	applister "github.com/argoproj/argo-cd/v3/pkg/client/listers/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/argo"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/argoproj/argo-cd/v3/util/db"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"github.com/go-logr/logr"
	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/portside-dev/portside/testenv"
)

// home is Argo CD's own namespace.
const home = "argocd"

// argoCD is Argo CD's application controller without its queues: it compares and
// syncs on call.
type argoCD struct {
	manager controller.AppStateManager
	live    statecache.LiveStateCache
	applied *appfake.Clientset // with the history of applications
	cluster *v1alpha1.Cluster
	stop    context.CancelFunc

	users int
}

// running are the controllers in use, one for each control plane, since its cache
// watches everything there.
var running struct {
	sync.Mutex
	on map[*testenv.ControlPlane]*argoCD
}

// argoCDOn returns the controller of a control plane. It runs until the last test
// that called argoCDOn ends: an API server that is still watched takes a minute to
// stop.
func argoCDOn(t testing.TB, cp *testenv.ControlPlane) *argoCD {
	t.Helper()
	running.Lock()
	defer running.Unlock()
	c := running.on[cp]
	if c == nil {
		var err error
		if c, err = newArgoCD(cp); err != nil {
			t.Fatalf("cannot start Argo CD: %v", err)
		}
		if running.on == nil {
			running.on = map[*testenv.ControlPlane]*argoCD{}
		}
		running.on[cp] = c
	}
	c.users++
	t.Cleanup(func() {
		running.Lock()
		defer running.Unlock()
		if c.users--; c.users > 0 {
			return
		}
		delete(running.on, cp)
		if err := c.close(); err != nil {
			t.Errorf("cannot stop Argo CD: %v", err)
		}
	})
	return c
}

func newArgoCD(cp *testenv.ControlPlane) (*argoCD, error) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &argoCD{applied: appfake.NewSimpleClientset(), stop: cancel}
	err := c.start(ctx, cp)
	if err != nil {
		cancel()
	}
	return c, err
}

func (c *argoCD) start(ctx context.Context, cp *testenv.ControlPlane) error {
	logrus.SetLevel(logrus.FatalLevel) // errors are returned
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		return err
	}
	if c.cluster, err = install(ctx, cp, client); err != nil {
		return fmt.Errorf("cannot create its settings: %w", err)
	}
	served, err := metricsServer()
	if err != nil {
		return err
	}
	settingsManager := settings.NewSettingsManager(ctx, client, home)
	argoDB := db.NewDB(home, settingsManager, client)
	tracking := argo.NewResourceTracking()
	c.live = &freshCache{
		LiveStateCache: statecache.NewLiveStateCache(argoDB, nil, settingsManager, served,
			func(map[string]bool, corev1.ObjectReference) {}, sharding.NewClusterSharding(argoDB, 0, 1, ""), tracking),
		reader: cp.Manager("testenv"),
	}
	if err := c.live.Init(); err != nil {
		return err
	}
	c.manager = controller.NewAppStateManager(argoDB, c.applied, nil, home,
		&kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}, nil, settingsManager,
		c.live, served, nil, time.Hour, tracking, false, 0, false, normalizers.IgnoreNormalizerOpts{})
	return nil
}

// metricsServer counts requests and is not served. All controllers share it.
var metricsServer = sync.OnceValues(func() (*metrics.MetricsServer, error) {
	none := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	return metrics.NewMetricsServer("", applister.NewApplicationLister(none), func(any) bool { return true },
		func(*http.Request) error { return nil }, nil, nil, nil)
})

func (c *argoCD) close() error {
	defer c.stop()
	watched, err := c.live.GetClusterCache(c.cluster)
	if err != nil {
		return err
	}
	watched.Invalidate()
	return nil
}

// install creates the objects of an installation of Argo CD, unless they exist: its
// settings, which are the defaults except for the kinds that it watches, and the
// cluster that it deploys to.
func install(ctx context.Context, cp *testenv.ControlPlane, client kubernetes.Interface) (*v1alpha1.Cluster, error) {
	// The discovery cache of kubectl, which is part of Argo CD.
	if err := os.Setenv("KUBECACHEDIR", filepath.Join(filepath.Dir(cp.KubeconfigFile()), "kubectl")); err != nil {
		return nil, err
	}
	admin := cp.Config()
	server := strings.TrimRight(admin.Host, "/") // as Argo CD reads it, since it is the key of its cache
	cluster := &v1alpha1.Cluster{Server: server, Config: v1alpha1.ClusterConfig{TLSClientConfig: v1alpha1.TLSClientConfig{
		CAData: admin.CAData, CertData: admin.CertData, KeyData: admin.KeyData,
	}}}
	config, err := json.Marshal(cluster.Config)
	if err != nil {
		return nil, err
	}
	part := map[string]string{"app.kubernetes.io/part-of": "argocd"}
	_, namespace := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: home}}, metav1.CreateOptions{})
	_, configMap := client.CoreV1().ConfigMaps(home).Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: common.ArgoCDConfigMapName, Labels: part},
		Data:       map[string]string{"resource.inclusions": `[{apiGroups: [apps], kinds: [StatefulSet, Deployment, DaemonSet], clusters: ["*"]}, {apiGroups: [""], kinds: [Service], clusters: ["*"]}]`},
	}, metav1.CreateOptions{})
	_, secret := client.CoreV1().Secrets(home).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: common.ArgoCDSecretName, Labels: part},
	}, metav1.CreateOptions{})
	_, clusterSecret := client.CoreV1().Secrets(home).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "cluster", Labels: map[string]string{common.LabelKeySecretType: common.LabelValueSecretTypeCluster}},
		StringData: map[string]string{"name": "testenv", "server": server, "config": string(config)},
	}, metav1.CreateOptions{})
	for _, err := range []error{namespace, configMap, secret, clusterSecret} {
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, err
		}
	}
	return cluster, nil
}
