package main

import (
	"errors"
	"fmt"
	"strings"
)

// seen is what a step observed.
type seen struct {
	ports           []ownedPort
	generation      int64
	resourceVersion string
	podStarts       int
	sent, stored    int
	reaches         []string
	// refusal is portside's answer to a command that it must refuse, nil without one.
	refusal *refusal
	// fields is how many paths of the object portside owns.
	fields int
	// again is portside's answer to the same command again, and still the
	// resourceVersion after it.
	again *answer
	still string
	// content is the content of the object, and resynced that after another sync of
	// Argo CD.
	content, resynced string
}

// refusal is a command that failed.
type refusal struct {
	code    int
	message string
}

// claim is a claim of a step, and an error if it does not hold.
type claim struct {
	text string
	err  error
}

// portsText is the claim about the ports of the container.
const portsText = "the ports are as expected, in this order and with these owners"

// claims compares what a step observed with what it expects.
func claims(w want, s seen) []claim {
	all := []claim{
		{portsText, differ(s.ports, w.ports)},
		{fieldsText(w), differ(s.fields, fieldsFor(w))},
		{fmt.Sprintf("generation %d, pods started %d", w.generation, w.podStarts),
			errors.Join(differ(s.generation, w.generation), differ(s.podStarts, w.podStarts))},
		{reachesText(w), differ(s.reaches, w.reaches)},
	}
	if s.refusal != nil {
		var err error
		if !strings.Contains(s.refusal.message, "already owns") {
			err = fmt.Errorf("the message is %q", s.refusal.message)
		}
		all = append(all, claim{"portside refused with exit code 2 and sent no write",
			errors.Join(differ(s.refusal.code, 2), differ(s.sent, 0), err)})
	}
	if s.again != nil {
		all = append(all,
			claim{fmt.Sprintf("portside's writes to the StatefulSet: %d sent, %d stored", w.sent, w.stored),
				errors.Join(differ(s.sent, w.sent), differ(s.stored, w.stored))},
			claim{"portside again: Unchanged, the same resourceVersion",
				errors.Join(differ(s.again.outcome(), "Unchanged"), differ(s.again.states(), w.states), differ(s.still, s.resourceVersion))})
	}
	return append(all, claim{"Argo CD again, the same commit: no field changes", same(s.content, s.resynced)})
}

// fieldsFor returns how many paths portside owns: the container's item and its name, and
// of each of its ports the item and three fields.
func fieldsFor(w want) int {
	own := 0
	for _, p := range w.ports {
		if p.owner == us {
			own++
		}
	}
	if own == 0 {
		return 0
	}
	return 2 + 4*own
}

func fieldsText(w want) string {
	if fieldsFor(w) == 0 {
		return "portside owns nothing of the object"
	}
	return fmt.Sprintf("portside owns %d fields of the object: the container's key, and its port", fieldsFor(w))
}

func reachesText(w want) string {
	if len(w.reaches) == 0 {
		return "the Service dittofs-file leads nowhere"
	}
	return "the Service dittofs-file leads to " + strings.Join(w.reaches, ", ")
}

// differ returns an error if two values differ.
func differ[T any](got, want T) error {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		return fmt.Errorf("is %s, should be %s", g, w)
	}
	return nil
}

// same returns an error with the first line in which two texts differ.
func same(before, after string) error {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			return fmt.Errorf("is %s, was %s", strings.TrimSpace(is[i]), strings.TrimSpace(was[i]))
		}
	}
	return differ(len(is), len(was))
}

// failed returns the errors of the claims that do not hold.
func failed(all []claim) error {
	var errs []error
	for _, c := range all {
		if c.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.text, c.err))
		}
	}
	return errors.Join(errs...)
}
