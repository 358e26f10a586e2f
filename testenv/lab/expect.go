package main

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/portside-dev/portside/testenv/oracle"
)

// expect returns what the contract requires of a list of ports. It decides nothing while
// portside is stopped.
func (s *site) expect(now state, live oracle.List) (e oracle.Expectation, decided bool, err error) {
	if s.spec == nil {
		return contract.Expect(live, nil), !live.Paused && !s.unseen, s.checkGivenUp(live)
	}
	spec, err := s.specOf()
	if err != nil || spec.Suspend || live.Paused || now.target == nil {
		return e, false, err
	}
	if live.Service {
		if len(spec.Services) == 0 {
			return e, false, s.checkGivenUp(live)
		}
		return contract.Expect(live, spec.desired(live, now.set)), true, nil
	}
	if spec.ContainerPorts == "Ignore" {
		return e, false, s.checkGivenUp(live)
	}
	return contract.Expect(live, spec.desired(live, now.set)), true, nil
}

// checkRetained checks that ports of inactive adapters stay while the removal delay is not
// over: after a round with a single step, those that portside alone owned before it, or when
// that step wrote. Several steps may have a port replaced in between.
func (s *site) checkRetained(now state, before *unstructured.Unstructured, live oracle.List) error {
	spec, err := s.specOf()
	if err != nil || s.spec == nil || s.reset || s.steps > 1 || !spec.isLong() {
		return err
	}
	was, err := read(before)
	if err != nil {
		return err
	}
	desired := spec.desired(live, now.set)
	for _, i := range was.Items {
		if i.Duplicate || !isOursAlone(i) || !isAdapterName(i.Name) || !slices.Equal(i.Leaves[oracle.Name], []string{us}) {
			continue
		}
		isTaken := func(p oracle.Port) bool { return p.Name == i.Name || p.Key == i.Key }
		if !slices.ContainsFunc(desired, isTaken) && !slices.ContainsFunc(spec.active(), isTaken) {
			return fmt.Errorf("%s was removed before its removal delay was over", i)
		}
	}
	return nil
}

// checkGivenUp checks that portside owns nothing of an object that is not its to manage, but
// for what a deletion left behind that was not seen.
func (s *site) checkGivenUp(live oracle.List) error {
	if !live.Paused && !s.unseen && (len(live.Claim) > 0 || live.HoldsContainer) {
		return fmt.Errorf("portside claims %q and is to manage nothing", live.Claim)
	}
	return nil
}

// desired returns the ports that an object should have: those of active adapters, except for
// those that status reports as withheld because another manager keeps removing them, and
// those that stay for a while.
func (spec *setSpec) desired(live oracle.List, set *unstructured.Unstructured) []oracle.Port {
	active := spec.active()
	if live.Service {
		active = spec.exposed()
	}
	withheld := withheldIn(set, live.Service)
	desired := slices.DeleteFunc(slices.Clone(active), func(p oracle.Port) bool { return slices.Contains(withheld, p.Name) })
	return append(desired, spec.retained(live, active)...)
}
