package v1alpha1

// What a field is when it is absent. The markers on the types tell the API
// server the same.
const (
	defaultProtocol                   = "TCP"
	defaultPath                       = "/api/v1/adapters"
	defaultStabilizationWindowSeconds = 10
	defaultRemovalDelaySeconds        = 300
	defaultIntervalSeconds            = 30
	defaultTimeoutSeconds             = 10
)

// Default fills in the fields of the spec that are absent, as the API server
// does for an object in the cluster. A set that came through [Read] has been
// through it already.
func (s *AdapterSet) Default() {
	spec := &s.Spec
	for i := range spec.Adapters {
		setDefault(&spec.Adapters[i].Protocol, defaultProtocol)
	}
	setDefault(&spec.DeletionPolicy, DeletionRetain)
	setDefault(&spec.HostNetwork, HostNetworkBlock)
	setDefaultPointer(&spec.Rollout.StabilizationWindowSeconds, defaultStabilizationWindowSeconds)
	setDefaultPointer(&spec.Rollout.RemovalDelaySeconds, defaultRemovalDelaySeconds)
	if spec.Discovery == nil || spec.Discovery.HTTP == nil {
		return
	}
	http := spec.Discovery.HTTP
	setDefault(&http.Path, defaultPath)
	setDefaultPointer(&http.IntervalSeconds, defaultIntervalSeconds)
	setDefaultPointer(&http.TimeoutSeconds, defaultTimeoutSeconds)
}

func setDefault[T comparable](field *T, value T) {
	var absent T
	if *field == absent {
		*field = value
	}
}

// setDefaultPointer leaves a zero alone: no delay is a choice.
func setDefaultPointer[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
