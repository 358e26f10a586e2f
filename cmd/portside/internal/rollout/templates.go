package rollout

// Templates notes which pod template a workload has, to detect that another manager
// changed it. The zero value has seen none: a template that changed before a process
// began is not noticed, since its rollout may have begun long ago.
type Templates struct {
	seen    bool
	current uint64
}

// Observe notes the template of a workload, and reports whether it differs from the one
// that was noted before.
func (t *Templates) Observe(template uint64) (changed bool) {
	changed = t.seen && template != t.current
	t.seen, t.current = true, template
	return changed
}
