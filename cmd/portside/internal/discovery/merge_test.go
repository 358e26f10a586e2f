package discovery_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/cmd/portside/internal/discovery"
)

func active(typ string, port int64) apply.Adapter {
	return apply.Adapter{Type: typ, Port: port, Protocol: "TCP"}
}

func polled(failed int, answers ...[]apply.Adapter) discovery.Result {
	var r discovery.Result
	for i, adapters := range answers {
		r.Answers = append(r.Answers, discovery.PodAnswer{Pod: fmt.Sprint("pod-", i), Adapters: adapters})
	}
	for range failed {
		r.Failures = append(r.Failures, &discovery.Error{Reason: discovery.Timeout, Pod: "silent"})
	}
	return r
}

// unsteady is a poll of a workload that lacks a pod.
func unsteady(r discovery.Result) discovery.Result {
	r.Readiness = discovery.Readiness{Ready: len(r.Answers), Desired: len(r.Answers) + 1}
	return r
}

// rolling is a poll of a workload that is in a rollout.
func rolling(r discovery.Result) discovery.Result {
	r.RollingOut = true
	return r
}

// unobserved is a poll of a workload whose controller has not seen its newest spec.
func unobserved(r discovery.Result) discovery.Result {
	r.Unobserved = true
	return r
}

// TestMerge has the numbers of the package comment's cases.
func TestMerge(t *testing.T) {
	type adapters = []apply.Adapter
	nfs, moved, smb, ftp := active("nfs", 12049), active("nfs", 12050), active("smb", 1445), active("ftp", 12049)
	third, bad := active("nfs", 12051), active("nfs", 70000)
	lower, unsaid, udp := nfs, nfs, nfs
	lower.Protocol, unsaid.Protocol, udp.Protocol = "tcp", "", "UDP"
	none := adapters{}
	for name, c := range map[string]struct {
		last      adapters
		polled    discovery.Result
		want      adapters
		disagreed []string
	}{
		"7: the first answer":           {nil, polled(0, adapters{smb, nfs}), adapters{nfs, smb}, nil},
		"7: any pod":                    {nil, polled(0, adapters{smb}, adapters{nfs}, none), adapters{nfs, smb}, nil},
		"7: no adapter":                 {nil, polled(0, none), none, nil},
		"7: missing from every pod":     {adapters{nfs, smb}, polled(0, adapters{smb}, none), adapters{smb}, nil},
		"7: missing everywhere":         {adapters{nfs}, polled(0, none, none), none, nil},
		"7: disabled":                   {adapters{nfs}, polled(0, none), none, nil},
		"7: stopped in one":             {adapters{nfs}, polled(0, none, adapters{nfs}), adapters{nfs}, nil},
		"7: renumbered":                 {adapters{nfs}, polled(0, adapters{moved}), adapters{moved}, nil},
		"7: a stopped one has no say":   {adapters{nfs}, polled(0, none, adapters{moved}), adapters{moved}, nil},
		"7: another protocol":           {adapters{nfs}, polled(0, adapters{udp}), adapters{udp}, nil},
		"7: the protocol in every way":  {adapters{nfs}, polled(0, adapters{lower}, adapters{unsaid}, adapters{nfs}), adapters{nfs}, nil},
		"7: invalid, as all say":        {adapters{nfs}, polled(0, adapters{bad}, adapters{bad}), adapters{bad}, nil},
		"7: two of a type, in any turn": {nil, polled(0, adapters{moved, nfs}, adapters{nfs, moved, moved}), adapters{nfs, moved}, nil},
		"8: adds":                       {adapters{smb}, polled(1, adapters{nfs}), adapters{smb, nfs}, nil},
		"8: adds to nothing":            {none, polled(1, adapters{nfs}), adapters{nfs}, nil},
		"8: does not remove":            {adapters{nfs, smb}, polled(1, none), adapters{nfs, smb}, nil},
		"8: does not renumber":          {adapters{nfs}, polled(1, adapters{moved}, adapters{moved}), adapters{nfs}, []string{"nfs"}},
		"8: nor from what is no port":   {adapters{bad}, polled(1, adapters{nfs}), adapters{bad}, []string{"nfs"}},
		"8: not used without a last":    {nil, polled(1, adapters{nfs}), nil, nil},
		"8: a pod missing: adds":        {none, unsteady(polled(0, adapters{nfs})), adapters{nfs}, nil},
		"8: a pod missing: no removal":  {adapters{nfs, smb}, unsteady(polled(0, adapters{smb})), adapters{nfs, smb}, nil},
		"8: a pod missing: no number":   {adapters{nfs}, unsteady(polled(0, adapters{moved})), adapters{nfs}, []string{"nfs"}},
		"8: a rollout: adds":            {adapters{smb}, rolling(polled(0, adapters{nfs})), adapters{smb, nfs}, nil},
		"8: a rollout: no removal":      {adapters{nfs}, rolling(polled(0, none)), adapters{nfs}, nil},
		"8: a rollout: no number":       {adapters{nfs}, rolling(polled(0, adapters{moved})), adapters{nfs}, []string{"nfs"}},
		"8: not observed: no removal":   {adapters{nfs}, unobserved(polled(0, none)), adapters{nfs}, nil},
		"8: a rollout: nothing before":  {nil, rolling(polled(0, adapters{nfs})), nil, nil},
		"9: none answered":              {adapters{nfs}, polled(3), adapters{nfs}, nil},
		"9: no pod was asked":           {adapters{nfs}, polled(0), adapters{nfs}, nil},
		"9: never any answer":           {nil, polled(3), nil, nil},
		"10: one behind":                {adapters{nfs}, polled(0, adapters{moved}, adapters{moved}, adapters{nfs}), adapters{nfs}, []string{"nfs"}},
		"10: all moved, not alike":      {adapters{nfs}, polled(0, adapters{moved}, adapters{third}), adapters{nfs}, []string{"nfs"}},
		"10: one invalid":               {adapters{nfs}, polled(0, adapters{moved}, adapters{bad}), adapters{nfs}, []string{"nfs"}},
		"10: no last: most":             {none, polled(0, adapters{third}, adapters{nfs}, adapters{third}), adapters{third}, []string{"nfs"}},
		"10: no last: lowest":           {none, polled(1, adapters{moved}, adapters{nfs}), adapters{nfs}, []string{"nfs"}},
		"10: no last: valid":            {none, polled(0, adapters{bad}, adapters{bad}, adapters{nfs}), adapters{nfs}, []string{"nfs"}},
		"10: an invalid last":           {adapters{bad}, polled(0, adapters{bad}, adapters{nfs}), adapters{nfs}, []string{"nfs"}},
		"10: costs its own type alone":  {adapters{nfs}, polled(0, adapters{nfs, smb}, adapters{moved, smb}), adapters{nfs, smb}, []string{"nfs"}},
		"11: what stays comes first":    {adapters{smb, nfs}, polled(0, adapters{ftp, nfs, smb}), adapters{smb, nfs, ftp}, nil},
		"11: also in part":              {adapters{nfs}, polled(1, adapters{ftp}), adapters{nfs, ftp}, nil},
		"11: what moves comes later":    {adapters{active("ftp", 21), nfs}, polled(0, adapters{ftp, nfs}), adapters{nfs, ftp}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := discovery.Merge(c.last, c.polled)
			if !slices.Equal(m.Active, c.want) || (m.Active == nil) != (c.want == nil) || m.TooMany {
				t.Errorf("got  %+v\nwant %+v", m, c.want)
			}
			if !slices.Equal(m.Disagreed, c.disagreed) {
				t.Errorf("disagreed on %q, want %q", m.Disagreed, c.disagreed)
			}
		})
	}
}

func TestMergeTooMany(t *testing.T) {
	var first, second []apply.Adapter
	for i := range 33 {
		first = append(first, active(fmt.Sprint("a", i), int64(1000+i)))
		second = append(second, active(fmt.Sprint("b", i), int64(2000+i)))
	}
	last := []apply.Adapter{active("nfs", 12049)}
	for name, r := range map[string]discovery.Result{"whole": polled(0, first, second), "in part": polled(1, first, second)} {
		if m := discovery.Merge(last, r); !m.TooMany || !slices.Equal(m.Active, last) {
			t.Errorf("%s: %+v", name, m)
		}
	}
	if m := discovery.Merge(nil, polled(0, first, second[1:31])); m.TooMany || len(m.Active) != 63 {
		t.Errorf("63 are too many: %d", len(m.Active))
	}
	if m := discovery.Merge(nil, polled(0, first, second)); !m.TooMany || m.Active != nil {
		t.Errorf("from nothing: %+v", m)
	}
}

var (
	typeNames = rapid.SampledFrom([]string{"nfs", "smb", "ftp", ""})
	ports     = rapid.SampledFrom([]int64{1, 2, 3, 70000})
	protocols = rapid.SampledFrom([]string{"", "TCP", "udp", "XYZ"})
)

var anAdapter = rapid.Custom(func(t *rapid.T) apply.Adapter {
	return apply.Adapter{
		Type: typeNames.Draw(t, "type"), Port: ports.Draw(t, "port"), Protocol: protocols.Draw(t, "protocol"),
	}
})

var answers = rapid.SliceOfN(rapid.SliceOfN(anAdapter, 0, 4), 0, 4)

// drawLast gives what a history of polls leaves.
func drawLast(t *rapid.T) []apply.Adapter {
	var last []apply.Adapter
	if rapid.Bool().Draw(t, "restarted") {
		last = []apply.Adapter{}
	}
	for range rapid.IntRange(0, 3).Draw(t, "polls before") {
		last = discovery.Merge(last, drawPoll(t)).Active
	}
	return last
}

func drawPoll(t *rapid.T) discovery.Result {
	r := polled(rapid.IntRange(0, 1).Draw(t, "failed"), answers.Draw(t, "answers")...)
	change := rapid.SampledFrom([]func(discovery.Result) discovery.Result{nil, nil, unsteady, rolling, unobserved}).Draw(t, "workload")
	if change != nil {
		return change(r)
	}
	return r
}

func TestMergeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		last, r := drawLast(t), drawPoll(t)
		before := slices.Clone(last)
		m := discovery.Merge(last, r)
		if !slices.Equal(last, before) {
			t.Fatal("last was changed")
		}
		if !r.Complete() {
			checkNothingRemoved(t, last, m.Active)
		}
		checkEachIsReported(t, last, r, m.Active)
		if r.Complete() {
			checkAgreed(t, r, m.Active)
		}
		if again := discovery.Merge(m.Active, r); !slices.Equal(again.Active, m.Active) || !slices.Equal(again.Disagreed, m.Disagreed) {
			t.Fatalf("the same answers again: %+v, then %+v", m, again)
		}
		shuffled := r
		shuffled.Answers = rapid.Permutation(r.Answers).Draw(t, "shuffled")
		for i := range shuffled.Answers {
			shuffled.Answers[i].Adapters = rapid.Permutation(shuffled.Answers[i].Adapters).Draw(t, "list")
		}
		if other := discovery.Merge(last, shuffled); !slices.Equal(other.Active, m.Active) || !slices.Equal(other.Disagreed, m.Disagreed) {
			t.Fatalf("the order matters: %+v and %+v", m, other)
		}
	})
}

// checkNothingRemoved: all that was there before is there, and comes first.
func checkNothingRemoved(t *rapid.T, last, now []apply.Adapter) {
	if len(now) < len(last) || !slices.Equal(now[:len(last)], last) {
		t.Fatalf("a poll that is not complete made %+v of %+v", now, last)
	}
}

// checkEachIsReported: an adapter is in the result only if it was there before or a
// pod reports it, and its type only if a pod has it active or the poll is not
// complete.
func checkEachIsReported(t *rapid.T, last []apply.Adapter, r discovery.Result, now []apply.Adapter) {
	for _, a := range now {
		typeReported, reported := false, slices.Contains(last, a)
		for _, answer := range r.Answers {
			for _, b := range answer.Adapters {
				typeReported = typeReported || b.Type == a.Type
				reported = reported || b.Normal() == a
			}
		}
		if !reported || r.Complete() && !typeReported {
			t.Fatalf("no pod reports %+v", a)
		}
	}
}

// checkAgreed: after complete answers each type that a pod has active is there, as
// the pods report it if all that have it active agree.
func checkAgreed(t *rapid.T, r discovery.Result, now []apply.Adapter) {
	of := func(adapters []apply.Adapter, typ string) map[apply.Adapter]bool {
		set := map[apply.Adapter]bool{}
		for _, a := range adapters {
			if a.Type == typ {
				set[a.Normal()] = true
			}
		}
		return set
	}
	for _, typ := range []string{"nfs", "smb", "ftp", ""} {
		reports := map[string]map[apply.Adapter]bool{}
		for _, answer := range r.Answers {
			if set := of(answer.Adapters, typ); len(set) > 0 {
				reports[fmt.Sprint(set)] = set // fmt sorts the keys of maps
			}
		}
		got := of(now, typ)
		if (len(got) > 0) != (len(reports) > 0) {
			t.Fatalf("%q is %v, and the pods say %v", typ, got, reports)
		}
		for text := range reports {
			if len(reports) == 1 && fmt.Sprint(got) != text {
				t.Fatalf("%q is %v, and all agree on %s", typ, got, text)
			}
		}
	}
}
