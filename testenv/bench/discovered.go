package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// sizes are numbers of workloads, as a flag has them.
type sizes []int

// String implements [flag.Value].
func (s *sizes) String() string { return strings.Trim(fmt.Sprint([]int(*s)), "[]") }

// Set implements [flag.Value].
func (s *sizes) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not a number of workloads", part)
		}
		*s = append(*s, n)
	}
	return nil
}

// discoveredFigure is the memory that a service at rest needs for a target whose
// adapters it discovers, and the CPU time of a minute.
type discoveredFigure struct {
	Service   string  `json:"service"`
	Targets   int     `json:"targets"`
	PerTarget float64 `json:"perTargetKiB"`
	CPU       float64 `json:"cpuSecondsPerMinute"`
}

// discovery measures the memory and the CPU time of a service at rest whose targets
// have a pod each, which it polls every 30 seconds.
func discovery(ctx context.Context, cp *testenv.ControlPlane, o options, progress func(string)) ([]discoveredFigure, error) {
	var figures []discoveredFigure
	for _, n := range o.discovered {
		fleet, stop, err := newDiscoveredFleet(ctx, cp, n)
		if err != nil {
			return nil, err
		}
		defer stop()
		for _, s := range []struct{ name, binary string }{{nameService, o.binary}, {nameOld, o.old}} {
			if s.binary == "" {
				continue
			}
			progress(fmt.Sprintf("the service, %d targets with discovery: %s", n, s.name))
			// The first process stores ports and status, so that the next is at rest.
			if _, err := polling(ctx, cp, s.binary, fleet.namespace, n, 0); err != nil {
				return nil, err
			}
			all, err := polling(ctx, cp, s.binary, fleet.namespace, n, time.Minute)
			if err != nil {
				return nil, err
			}
			none, err := polling(ctx, cp, s.binary, idle, 0, time.Minute)
			if err != nil {
				return nil, err
			}
			figures = append(figures, discoveredFigure{
				Service: s.name, Targets: n, CPU: all.cpu,
				PerTarget: perTarget([]restarted{all}, []restarted{none}, n)[0],
			})
		}
	}
	return figures, nil
}

// polling runs a service until each target was polled twice, and then for some time.
func polling(ctx context.Context, cp *testenv.ControlPlane, binary, namespace string, targets int, more time.Duration) (r restarted, err error) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	c, err := startChild(binary, cp.Config(), namespace, "--allow-loopback-pods")
	if err != nil {
		return r, err
	}
	defer func() {
		_, stopErr := c.stop()
		err = errors.Join(err, stopErr)
	}()
	if _, err := c.ready(ctx); err != nil {
		return r, err
	}
	err = c.until(ctx, time.Second, "each target to be polled twice", func(ctx context.Context) (bool, error) {
		now, err := c.metrics(ctx)
		return err == nil && int(now["portside_discovery_polls_total"]) >= 2*targets && now["workqueue_depth"] == 0, nil
	})
	if err != nil {
		return r, err
	}
	before, err := cpuTime(c.PID())
	if err != nil {
		return r, err
	}
	end := time.Now().Add(more)
	if err := c.until(ctx, time.Second, "the time to pass", func(context.Context) (bool, error) { return !time.Now().Before(end), nil }); err != nil {
		return r, err
	}
	after, err := cpuTime(c.PID())
	if err != nil {
		return r, err
	}
	r.cpu = (after - before).Seconds()
	r.memory, err = c.resident(ctx)
	return r, err
}

// newDiscoveredFleet makes workloads with a pod and an AdapterSet each. One server
// answers for all pods until stop is called.
func newDiscoveredFleet(ctx context.Context, cp *testenv.ControlPlane, targets int) (f *fleet, stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: dittofs.Adapters("nfs:12049", "smb:1445"), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	stop = func() { _ = server.Close() }
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		stop()
		return nil, nil, err
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		stop()
		return nil, nil, err
	}
	if f, err = newFleetOf(ctx, cp, fmt.Sprintf("discovered-%d", targets), targets, 1); err == nil {
		git := cp.Manager("git").In(f.namespace)
		err = f.each(func(i int) error {
			return errors.Join(f.createPod(ctx, i, host, int32(number)), discover(ctx, git, f.names[i]))
		})
	}
	if err != nil {
		stop()
	}
	return f, stop, err
}

// createPod makes the pod of a workload, which is ready and listens at an address.
func (f *fleet) createPod(ctx context.Context, i int, host string, port int32) error {
	pods := f.client.CoreV1().Pods(f.namespace)
	pod, err := pods.Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: f.names[i] + "-0", Labels: map[string]string{"app.kubernetes.io/name": f.names[i]},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: workload.StatefulSet.Kind, Name: f.names[i], UID: f.uids[i], Controller: new(true),
			}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: container, Image: "registry.example.com/storage/dittofs:0.29.0", Ports: []corev1.ContainerPort{{Name: "api", ContainerPort: port}},
		}}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	pod.Status.Phase, pod.Status.PodIP, pod.Status.PodIPs = corev1.PodRunning, host, []corev1.PodIP{{IP: host}}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	_, err = pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}

// discover stores an AdapterSet whose adapters are discovered.
func discover(ctx context.Context, git *testenv.Manager, name string) error {
	_, err := git.Apply(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "AdapterSet", "metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"targetRef": map[string]any{"apiVersion": "apps/v1", "kind": workload.StatefulSet.Kind, "name": name},
			"container": container,
			"discovery": map[string]any{"http": map[string]any{"port": "api", "scheme": string(v1alpha1.SchemeHTTP), "intervalSeconds": int64(30)}},
			"rollout":   map[string]any{"stabilizationWindowSeconds": int64(0), "removalDelaySeconds": int64(0)},
		},
	}})
	return err
}
