package main

import (
	"errors"
	"fmt"
	"strings"
)

// seen is what was observed of a step, beside what it wanted.
type seen struct {
	ports           []ownedPort
	generation      int64
	resourceVersion string
	podStarts       int
	sent, stored    int
	reaches         []string
	// refusal is what portside said to a command that it must refuse, nil where
	// there was none.
	refusal *refusal
	// fields are how many paths of the object portside owns.
	fields int
	// again is what portside said when it was asked once more, and still the
	// resourceVersion after that.
	again *answer
	still string
	// content is the object as content gives it, and resynced the same after
	// Argo CD's next sync.
	content, resynced string
}

// refusal is a command that failed.
type refusal struct {
	code int
	says string
}

// claim is something that a step says, and what speaks against it.
type claim struct {
	text string
	err  error
}

// claims compares what was seen with what was wanted.
func claims(w want, s seen) []claim {
	all := []claim{
		{"every port is there, in its place, and owned by whom it should be", differ(s.ports, w.ports)},
		{fieldsText(w), differ(s.fields, fieldsFor(w))},
		{fmt.Sprintf("generation %d, pods started %d", w.generation, w.podStarts),
			errors.Join(differ(s.generation, w.generation), differ(s.podStarts, w.podStarts))},
		{reachesText(w), differ(s.reaches, w.reaches)},
	}
	if s.refusal != nil {
		var err error
		if !strings.Contains(s.refusal.says, "already owns") {
			err = fmt.Errorf("it said %q", s.refusal.says)
		}
		all = append(all, claim{"portside refused with exit code 2 and sent no write",
			errors.Join(differ(s.refusal.code, 2), differ(s.sent, 0), err)})
	}
	if s.again != nil {
		all = append(all,
			claim{fmt.Sprintf("portside's writes to the StatefulSet: %d sent, %d stored", w.sent, w.stored),
				errors.Join(differ(s.sent, w.sent), differ(s.stored, w.stored))},
			claim{"portside, once more: Unchanged, the same resourceVersion",
				errors.Join(differ(s.again.outcome(), "Unchanged"), differ(s.again.states(), w.states), differ(s.still, s.resourceVersion))})
	}
	return append(all, claim{"Argo CD, the same commit once more: every field is what it was", same(s.content, s.resynced)})
}

// fieldsFor counts what an applier of these ports owns: the container's entry
// and its name, and of each port its entry and three fields.
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

// differ says what is and what should be, where that is not the same.
func differ[T any](got, want T) error {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		return fmt.Errorf("is %s, should be %s", g, w)
	}
	return nil
}

// same says where one text begins to be another than before.
func same(before, after string) error {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			return fmt.Errorf("is %s, was %s", strings.TrimSpace(is[i]), strings.TrimSpace(was[i]))
		}
	}
	return differ(len(is), len(was))
}

// failed joins the claims that do not hold.
func failed(all []claim) error {
	var errs []error
	for _, c := range all {
		if c.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.text, c.err))
		}
	}
	return errors.Join(errs...)
}
