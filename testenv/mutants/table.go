package main

// mutant is a change of one line that breaks a rule.
type mutant struct {
	// rule is what it breaks.
	rule string
	// file is the path in the repository, and old, which occurs there once, is replaced by
	// new. They differ in one line.
	file, old, new string
	found          finder
}

// finder is the tests that must find a mutant.
type finder struct {
	pkg string
	// run is a pattern of names of tests, as go test has it; all when empty.
	run string
	env []string
	// args are those of the test binary.
	args []string
}

// noFiles keeps package rapid from writing a file for a test that fails.
var noFiles = []string{"-rapid.nofailfile"}

// The finders. Random histories run in memory, and need no API server.
var (
	histories = finder{pkg: "./testenv/histories", run: "^TestInMemory$", env: []string{"PORTSIDE_HISTORIES=4000"}}
	gate      = finder{pkg: "./cmd/portside/internal/rollout", args: noFiles}
	server    = func(run string) finder { return finder{pkg: "./apply", run: run, args: noFiles} }
	found     = func(pkg, run string) finder { return finder{pkg: pkg, run: run} }
	service   = func(run string) finder { return finder{pkg: "./cmd/portside/internal/controller", run: run} }
)

const (
	decide      = "apply/port/decide.go"
	retain      = "apply/port/retain.go"
	reconcile   = "apply/reconcile.go"
	gateFile    = "cmd/portside/internal/rollout/gate.go"
	removals    = "cmd/portside/internal/rollout/removal.go"
	contentions = "cmd/portside/internal/rollout/contention.go"
)

// cases are the mutants of the contract, with the numbers of package oracle.
var cases = []mutant{
	{"case 1: a port that is not live is added", decide,
		"		if t.Find(key) == nil {", "		if t.Find(key) == nil && len(t.Items) > 1<<30 {", histories},
	{"case 2: a port of ours stays", decide,
		"		if item, applied := apply[p.Key]; applied {", "		if item, applied := apply[p.Key]; applied && len(p.Others) > 0 {", histories},
	{"case 3: a renamed port stays, without our name", decide,
		"			d.Blocker = p.blocker(p.Namers)\n			t.keep(d.Key)", "			d.Blocker = p.blocker(p.Namers)\n			t.add(d)", histories},
	{"case 4: a port that another manager declares alike is shared", decide,
		"case len(p.Others) > 0 && same && p.NamedByOwner(): // row 4", "case false && same && p.NamedByOwner(): // row 4", histories},
	{"case 5: a port that another manager declares otherwise is given up", decide,
		"case len(p.Others) > 0: // rows 5 and 6", "case len(p.Others) > 0 && !p.Ours: // rows 5 and 6", histories},
	{"case 6: a port of another manager is left alone", decide,
		"case len(p.Others) > 0: // rows 5 and 6", "case len(p.Others) > 0 && p.Ours: // rows 5 and 6", histories},
	{"case 7: a port without an owner that has our name is taken", decide,
		"case !p.Ours && same: // row 7", "case false && same: // row 7", histories},
	{"case 8: a port without an owner that has another name is left alone", decide,
		"case !p.Ours: // row 8", "case !p.Ours && p.Name == \"\": // row 8", histories},
	{"case 9: a name that another manager's port has is not taken", decide,
		"case !holder.Ours && len(holder.Others) == 0 && len(holder.Namers) == 0 && !holder.Duplicate: // row 10", "case !holder.Ours && !holder.Duplicate: // row 10", histories},
	{"case 10: a port without an owner that has our name is removed", decide,
		"			t.takeOver = append(t.takeOver, holder)", "			t.takeOver = append(t.takeOver[:0:0], t.takeOver...)", histories},
	{"case 11: two ports with one key are left alone", decide,
		"case p.Duplicate: // row 11", "case p.Duplicate && false: // row 11", histories},
	{"case 20: of two desired ports with one key the first wins", "apply/port/desired.go",
		"first, taken := byKey[item.Key]; taken {", "first, taken := byKey[item.Key]; taken && false {", histories},
	{"case 21: what is live under the name of an invalid port stays", decide,
		"	if d.Blocked == nil {\n		t.keepOfInvalid()", "	if d.Blocked != nil {\n		t.keepOfInvalid()", histories},
	{"case 22: hostNetwork blocks all ports", "apply/desired.go",
		"	if !w.HostNetwork || ", "	if true || ", server("^TestHostNetwork$")},
	{"case 23: a port that another manager renamed is not deleted", "apply/port/observed.go",
		"l.Name != \"\" && !l.NameOurs && len(l.Namers) > 0", "l.Name != \"\" && len(l.Namers) > 0", server("^TestRow03")},
	{"case 24: a static port without a name takes no port next to it", decide,
		"	t.blockUnnamed()\n", "	\n", histories},
	{"case 25: the last port of a Service stays", decide,
		"	t.retainLast()\n", "\n", server("^TestService_LastPort")},
	{"case 26: a name that a Service needs stays", decide,
		"	t.retainName()\n", "\n", histories},
	{"case 27: a field that another manager owns is left out", "apply/port/fields.go",
		"		if item.Values[at] == nil || len(others) == 0 ", "		if true || item.Values[at] == nil || len(others) == 0 ", server("^TestService_TargetPortTaken|^TestService_PinnedNodePort")},
	{"case 28: a nodePort that another port has is not asked for", decide,
		"	t.blockAllocated()\n", "\n", server("^TestService_(PinnedNodePort|Refused)")},
	{"case 31: a field manager that owns other fields writes nothing", "apply/claim.go",
		"	if other.Count > 0 {\n		return other", "	if other.Count > 1<<30 {\n		return other", server("^TestDedicatedFieldManager")},
	{"case 32: a paused object is not written", reconcile,
		"		case o.Paused && sent == nil:", "		case o.Paused && false:", server("^Test(Paused|Service_Paused)$")},
	{"a list has at most 64 adapter ports", decide,
		"	t.bound()\n", "\n", server("^TestMaxPorts$")},
	{"a port that gets the key of another one keeps its nodePort", decide,
		"	if step := t.step(); step != nil {", "	if step := t.step(); step != nil && false {", histories},
}

// facts are the mutants of what portside does because of a fact about the API server, with
// the numbers of package facts.
var facts = []mutant{
	{"fact 1: an apply that changes nothing is not reported as a change", "apply/observed.go",
		"	return !equality.Semantic.DeepEqual(", "	return true || !equality.Semantic.DeepEqual(", server("^TestUnchangedWhileOthersWrite$")},
	{"fact 3: the applied order wins", decide,
		"	for _, p := range t.Items {\n		if item, applied := apply[p.Key]; applied {", "	for _, p := range slices.Backward(t.Items) {\n		if item, applied := apply[p.Key]; applied {", histories},
	{"fact 14: what no manager owns is given up by a second apply", decide,
		"			t.takeOver = append(t.takeOver, holder)", "			_ = holder", server("^TestRow10")},
	{"fact 5: an item with another owner keeps its name", decide,
		"	case len(p.Others) == 0:\n", "	case true:\n", histories},
	{"fact 7: an apply creates no object", "apply/workload/configuration.go",
		".WithUID(c.Workload.UID)", "", server("^TestRace_Target")},
	{"fact 11: an item that the server refuses is left out", "apply/refusal.go",
		"	return invalid(err, list, items)", "	return refusals{}", server("^TestRace|^TestService_(Refused|Invalid)")},
	{"fact 18: the list of an owner that declares it empty keeps its last port", "apply/prune.go",
		"		return false // the last port would be removed", "		return true // the last port would be removed", server("^TestPrune")},
	{"fact 12: a port that is gone is applied again", "apply/plan.go",
		" && p.list.Has(p.table.Items) &&", " &&", histories},
	{"fact 15: an item that another manager renamed is transferred", reconcile,
		"	if renamed := o.renamed(p.Container, p.table.Items); len(renamed) > 0 {", "	if renamed := o.renamed(p.Container, p.table.Items); len(renamed) > 1<<30 {", histories},
	{"fact 17: what no manager owns is not pruned", reconcile,
		"	if pruned := o.pruned(ports); len(pruned) > 0 {", "	if pruned := o.pruned(ports); len(pruned) > 1<<30 {", server("^TestPrune|^TestService_Pruning")},
	{"nothing is forced", "apply/write.go",
		"metav1.ApplyOptions{FieldManager: a.manager, DryRun", "metav1.ApplyOptions{FieldManager: a.manager, Force: true, DryRun", histories},
}

// gates are the mutants of when a change may be applied.
var gates = []mutant{
	{"gate: the plan is the same for the stabilization window", gateFile,
		"now.Before(until) && !c.joins() {\n			return Verdict{Action: Defer, Reason: Stabilizing", "false && !c.joins() {\n			return Verdict{Action: Defer, Reason: Stabilizing", gate},
	{"gate: mode NextRollout waits for a rollout", gateFile,
		"		if c.NextRollout && ", "		if false && ", gate},
	{"gate: mode NextRollout joins a rollout that begins", gateFile,
		"{ return c.NextRollout && c.Began }", "{ return false && c.Began }", gate},
	{"gate: a change that was refused backs off", gateFile,
		"	if until := s.RetryAt(c.ID); now.Before(until) {", "	if until := s.RetryAt(c.ID); now.Before(until) && false {", gate},
	{"gate: the back-off grows", gateFile,
		"	if change != s.failed {\n		g.backoff", "	if change == s.failed {\n		g.backoff", gate},
	{"gate: nothing is applied while a rollout is under way", gateFile,
		"	case rollout.UnderWay && !c.Awaited:\n", "	case false && !c.Awaited:\n", gate},
	{"gate: a change that the rollout waits for is applied", gateFile,
		"	case rollout.UnderWay && !c.Awaited:\n", "	case rollout.UnderWay:\n", gate},
	{"gate: a rollout that is stuck is reported as such", gateFile,
		"&& s.Progress.Stuck(now, rollout):", "&& false:", gate},
	{"gate: only so many workloads roll out at once", gateFile,
		"	if w.Restarts == 0 || g.Begin(w.Target) {", "	if w.Restarts == 0 || g.Begin(w.Target) || true {", gate},
	{"gate: a change without restarts takes no place", gateFile,
		"	if w.Restarts == 0 || g.Begin(w.Target) {", "	if g.Begin(w.Target) {", gate},
	{"removal: the delay stops during a rollout", removals,
		"return k.UnderWay || !k.Poll.Complete }", "return !k.Poll.Complete }", gate},
	{"removal: the delay stops while a poll is not complete", removals,
		"return k.UnderWay || !k.Poll.Complete }", "return k.UnderWay }", gate},
	{"removal: a port that an active adapter has is not removed", removals,
		"		if taken(k.Active, p) || !isOurs(p) {", "		if !isOurs(p) {", gate},
	{"removal: a port that another manager renamed is not removed", removals,
		"		if taken(k.Active, p) || !isOurs(p) {", "		if taken(k.Active, p) {", gate},
	{"removal: the delay counts from when the adapter was inactive", "cmd/portside/internal/rollout/policy.go",
		"	return i.since.Add(p.delay - i.counted)", "	return i.since.Add(-i.counted)", gate},
	{"poll: an incomplete one renumbers nothing", "cmd/portside/internal/rollout/poll.go",
		"{ return p.Complete && !slices", "{ return !slices", gate},
	{"poll: pods that disagree renumber nothing", "cmd/portside/internal/rollout/poll.go",
		"{ return p.Complete && !slices.Contains(p.Disagreed, typ) }", "{ return p.Complete || slices.Contains(p.Disagreed, typ) }", gate},
	{"contention: after five re-adds a port waits an hour", contentions,
		"	if len(c.readds) >= MaxReadds {", "	if len(c.readds) > 1<<30 {", gate},
	{"contention: it ends", contentions,
		"	if c.underWay && !now.Before(c.Due()) {", "	if false && !now.Before(c.Due()) {", gate},
	{"progress: a rollout without any is stuck", "cmd/portside/internal/rollout/progress.go",
		"!p.since.IsZero() && !now.Before(p.StuckAt()))", "false)", gate},
}

// services are the mutants of what the service does with the parts.
var services = []mutant{
	{"service: a source that fails removes nothing", "cmd/portside/internal/discovery/merge.go",
		"decide(before[typ], reports, r.Complete())", "decide(before[typ], reports, true)", found("./cmd/portside/internal/discovery", "Merge")},
	{"service: a status that a conflict refused is stored later", "cmd/portside/internal/controller/report.go",
		"	if err != nil && !apierrors.IsNotFound(err) {", "	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {", service("^TestConflictingWrite$")},
	{"service: a finalizer that a conflict refused is added later", "cmd/portside/internal/controller/report.go",
		"	if apierrors.IsNotFound(err) {", "	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {", service("^TestConflictingWrite$")},
	{"service: a refused change backs off", "cmd/portside/internal/controller/apply.go",
		"		r.gate.Failed(&s.State, s.uid, p.change, in.now)\n		o.retryAt", "		_ = p.change\n		o.retryAt", service("^TestRefusalBackOff$")},
	{"service: a Service that an earlier AdapterSet named is released", "cmd/portside/internal/cache/watch.go",
		"	w.keep(t, Leftover{Services: w.leftOf(t).Services})", "	w.keep(t, Leftover{})", found("./cmd/portside/internal/cache", "^TestWatchResumes$")},
	{"service: what is left behind while something else is given up stays noted", "cmd/portside/internal/cache/watch.go",
		"	if w.left[t] == left {", "	if left != nil {", found("./cmd/portside/internal/cache", "^TestGaveUpFormer$")},
	{"service: a paused Service that is no longer named is given up once it continues", "cmd/portside/internal/controller/services.go",
		"	return result.Outcome != apply.Paused, nil", "	return result.Outcome != \"\", nil", service("^TestServices_GivenUpWhilePaused$")},
	{"service: a change of a workload is seen", "cmd/portside/internal/cache/watch.go",
		"			if !sameDecisions(e.ObjectOld, e.ObjectNew) {", "			if false && !sameDecisions(e.ObjectOld, e.ObjectNew) {", service("^TestPortRemovedByAnotherManagerIsAddedAgain$")},
	{"service: a change of a workload that is none of ours costs no request", "cmd/portside/internal/cache/watch.go",
		"	return before.workload.Equal(after.workload)", "	return before.workload.Equal(after.workload) && false", found("./cmd/portside/internal/cache", "")},
	{"service: a change waits for a rollout under way", "cmd/portside/internal/controller/apply.go",
		"	case verdict.Action != rollout.Apply:", "	case verdict.Action == rollout.UpToDate:", service("^TestChangeWaitsForRollout$")},
	{"service: an excluded namespace is not written to", "cmd/portside/internal/controller/reconciler.go",
		"	return slices.Contains(r.excluded, t.Namespace)", "	return slices.Contains(r.excluded, t.Name)", service("^TestExcludedNamespace$")},
	{"service: the oldest AdapterSet wins", "cmd/portside/internal/cache/cluster.go",
		"		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time),", "		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time),", found("./cmd/portside/internal/cache", "^TestAdapterSets$")},
}
