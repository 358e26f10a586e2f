package discovery

import (
	"context"
	"time"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

// declared is the source of an AdapterSet that lists its adapters.
type declared struct{ set *v1alpha1.AdapterSet }

// Declared is the [Kind] of an AdapterSet that lists its adapters. An absent list
// is an empty one, since the API server may store it so after the last item was
// given up.
func Declared(set *v1alpha1.AdapterSet) (Source, error) {
	if set.Spec.Discovery != nil {
		return nil, nil
	}
	return declared{set}, nil
}

// Interval implements [Source].
func (declared) Interval() time.Duration { return 0 }

// Questions implements [Source].
func (d declared) Questions(context.Context, Workload) ([]Question, Readiness, error) {
	return []Question{{Ask: d.adapters}}, Readiness{}, nil
}

func (d declared) adapters(context.Context) ([]apply.Adapter, error) {
	return adapterset.Adapters(d.set), nil
}
