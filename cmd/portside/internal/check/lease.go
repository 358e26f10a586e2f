package check

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
)

const (
	// observeLease bounds how long a Lease is observed. Its holder renews it every
	// two seconds by default, and the others wait for at most this long.
	observeLease = 15 * time.Second
	// readLeaseEvery is how often it is read meanwhile.
	readLeaseEvery = 500 * time.Millisecond
)

// lease checks that a replica holds the Lease of leader election, which is named
// after the field manager, and renews it.
func (c *checker) lease(ctx context.Context) error {
	name := "Lease " + c.options.Namespace + "/" + c.options.FieldManager
	log := fmt.Sprintf("see the Replicas check, and: kubectl logs -n %s -l %s", c.options.Namespace, c.selector())
	lease, err := c.readLease(ctx)
	switch {
	case apierrors.IsNotFound(err):
		c.add("Lease", Error, name, "not found, so no replica has led yet; %s", log)
		return nil
	case apierrors.IsForbidden(err):
		c.add("Lease", Warning, name, "cannot be read: forbidden; ask for the permission to get leases.coordination.k8s.io in namespace %s", c.options.Namespace)
		return nil
	case err != nil:
		return fmt.Errorf("cannot read %s: %w", name, err)
	}
	holder := ptr.Deref(lease.Spec.HolderIdentity, "")
	if holder == "" {
		c.add("Lease", Error, name, "no replica holds it, so AdapterSets are not reconciled; %s", log)
		return nil
	}
	renewed, err := c.isRenewed(ctx, lease)
	switch {
	case err != nil:
		return fmt.Errorf("cannot read %s: %w", name, err)
	case renewed:
		c.add("Lease", OK, name, "held by %s", holder)
	default:
		c.add("Lease", Error, name, "held by %s, which no longer renews it (last at %s), so AdapterSets are not reconciled; %s",
			holder, renewal(lease).UTC().Format(time.RFC3339), log)
	}
	return nil
}

func (c *checker) readLease(ctx context.Context) (*coordinationv1.Lease, error) {
	return c.client.CoordinationV1().Leases(c.options.Namespace).Get(ctx, c.options.FieldManager, metav1.GetOptions{})
}

// isRenewed reports whether the holder renews the Lease. Where the time of the
// last renewal says that it does not, the clocks may differ: then, as candidates
// for leadership do, it observes whether the Lease changes.
func (c *checker) isRenewed(ctx context.Context, lease *coordinationv1.Lease) (bool, error) {
	if time.Since(renewal(lease)).Abs() < validity(lease) {
		return true, nil
	}
	err := wait.PollUntilContextTimeout(ctx, readLeaseEvery, min(validity(lease), observeLease), false, func(context.Context) (bool, error) {
		now, err := c.readLease(ctx) // the end of the observation is no error
		return err == nil && now.ResourceVersion != lease.ResourceVersion, err
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return false, nil
	}
	return err == nil, err
}

func renewal(lease *coordinationv1.Lease) time.Time {
	return ptr.Deref(lease.Spec.RenewTime, metav1.MicroTime{}).Time
}

func validity(lease *coordinationv1.Lease) time.Duration {
	return time.Duration(ptr.Deref(lease.Spec.LeaseDurationSeconds, 15)) * time.Second
}
