package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/portside-dev/portside/testenv"
	"github.com/portside-dev/portside/testenv/dittofs"
)

// frontend is the Service whose port of nfs is portside's, as git/service-nodes.yaml
// has it.
const frontend = "dittofs-nodes"

// traffic is what clients know of the Service and where it leads.
type traffic struct {
	nodePort int64  // of nfs, 0 without one
	address  string // the cluster IP
	reaches  string // the ports of pods, except that of the API
}

// traffic reads the Service and its EndpointSlices.
func (l *life) traffic(ctx context.Context) (traffic, error) {
	service, err := l.cluster.reader.Get(ctx, "Service", mediaNamespace, frontend)
	if apierrors.IsNotFound(err) {
		return traffic{}, nil
	}
	if err != nil {
		return traffic{}, err
	}
	ports, err := l.plane.EndpointPorts(ctx, mediaNamespace, frontend)
	if err != nil {
		return traffic{}, err
	}
	ports = slices.DeleteFunc(ports, func(p string) bool { return strings.HasPrefix(p, "api:") })
	address, _, err := unstructured.NestedString(service.Object, "spec", "clusterIP")
	return traffic{testenv.NodePorts(service)["adapter-nfs"], address, strings.Join(ports, " ")}, err
}

func (t traffic) lines() []string {
	if t.nodePort == 0 {
		return nil
	}
	return []string{fmt.Sprintf("Service %s   node port %d   leads to %s", frontend, t.nodePort, t.reaches)}
}

// lost returns how many node ports and addresses clients had and have no more.
func (t traffic) lost(before traffic) (lost int) {
	if before.nodePort != 0 && t.nodePort != before.nodePort {
		lost++
	}
	if before.nodePort != 0 && t.address != before.address {
		lost++
	}
	return lost
}

// exposeNFS commits the Service to Git, and that no change of the container's ports
// restarts pods by itself.
func exposeNFS(ctx context.Context, l *life) ([]claim, error) {
	added, err := readManifests(l.portside.dir, "../demo/git/service-nodes.yaml")
	if err != nil {
		return nil, err
	}
	added.move(mediaNamespace)
	l.git.objects = slices.Insert(l.git.objects, 1, added.objects...) // after the namespace
	var errs []error
	for _, set := range l.git.of("AdapterSet") {
		errs = append(errs,
			unstructured.SetNestedField(set.Object, "NextRollout", "spec", "rollout", "mode"),
			unstructured.SetNestedSlice(set.Object, []any{map[string]any{
				"name": frontend, "whenInactive": "Keep",
				"ports": []any{map[string]any{"adapter": "nfs", "port": int64(2049)}},
			}}, "spec", "services"))
	}
	return nil, errors.Join(append(errs, l.git.sync(ctx, l.argo))...)
}

// moveNFS has the pod report nfs on another number, and measures how long the
// EndpointSlices take to follow the Service.
func moveNFS(ctx context.Context, l *life) ([]claim, error) {
	l.dittofs.Answer(dittofs.Adapters("nfs:12051"))
	var changed, followed time.Time
	err := wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		service, err := l.cluster.reader.Get(ctx, "Service", mediaNamespace, frontend)
		if err != nil {
			return false, err
		}
		changed = time.Now()
		return slices.Contains(testenv.Ports(service, ""), "adapter-nfs:2049/TCP->12051"), nil
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for Service %s to lead to 12051: %w", frontend, err)
	}
	err = wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		now, err := l.traffic(ctx)
		followed = time.Now()
		return now.reaches == "adapter-nfs:12051", err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for the EndpointSlices of %s: %w", frontend, err)
	}
	var late error
	if took := followed.Sub(changed); took > time.Second {
		late = fmt.Errorf("it took %s", took)
	}
	return []claim{{"the EndpointSlices follow the Service within a second", late}}, nil
}

// upgrade commits another image to Git. portside's port goes along with the rollout while
// the old pod ends, which takes real pods a second or more.
func upgrade(ctx context.Context, l *life) ([]claim, error) {
	for _, object := range l.git.of("StatefulSet") {
		testenv.EditContainer(object, renamed, func(c map[string]any) { c["image"] = "ghcr.io/marmos91/dittofs:v0.29.1" })
	}
	release := l.plane.HoldEnding(mediaNamespace)
	defer release()
	if err := l.git.sync(ctx, l.argo); err != nil {
		return nil, err
	}
	l.alongside++
	return nil, wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		object, err := l.cluster.reader.Get(ctx, "StatefulSet", mediaNamespace, workload)
		return err == nil && slices.Contains(testenv.Ports(object, renamed), adapterMoved.port), err
	})
}

// recorded is what the operator of DittoFS v0.29.0 did when the same happened to it, with
// one replica on a real API server. It deletes the Service of an adapter that stops, and
// with it a node port and two addresses: the cluster IP and the load balancer's.
type recorded struct {
	changes int    // of the pod template
	pods    string // started
	lost    int    // node ports and addresses
}

// compare prints what the changes of adapters cost next to what the operator did, and
// claims that they cost portside nothing.
func (p *printer) compare(costs []sceneCost) claim {
	p.rule("The same with DittoFS's operator, as recorded")
	p.block(comparison)
	p.linef("")
	p.linef("  %-36s %17s  %19s", "", "portside", "operator v0.29.0")
	p.linef("  %-36s %7s %4s %4s  %7s %6s %4s", "scene", "changes", "pods", "lost", "changes", "pods", "lost")
	var failed error
	for _, c := range costs {
		if c.operator == nil {
			continue
		}
		p.linef("  %-36s %7d %4d %4d  %7d %6s %4d", c.title, len(c.changes), c.podStarts, c.lost,
			c.operator.changes, c.operator.pods, c.operator.lost)
		failed = errors.Join(failed, differ(len(c.changes)+c.podStarts+c.lost, 0))
	}
	return claim{"these changes of adapters restarted no pod and lost no address", failed}
}

const comparison = `
Changes of the pod template, pods started, and the node ports and addresses
that clients lost. Each change of an adapter makes the operator write the
template twice, and it deletes the Service of an adapter that stops. How many
pods started for a renumbered adapter was not recorded.`
