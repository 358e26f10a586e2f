package main

import "testing"

// TestClaims changes one part of what was seen at a time: each change must break exactly
// one claim.
func TestClaims(t *testing.T) {
	w := story[1].want
	for _, test := range []struct {
		name  string
		spoil func(*seen)
	}{
		{"a port's number", func(s *seen) { s.ports[3].port = "adapter-smb:1446/TCP" }},
		{"a port's owner", func(s *seen) { s.ports[0].owner = us }},
		{"the order of the ports", func(s *seen) { s.ports[0], s.ports[1] = s.ports[1], s.ports[0] }},
		{"a port too few", func(s *seen) { s.ports = s.ports[:3] }},
		{"a field too many", func(s *seen) { s.fields++ }},
		{"the generation", func(s *seen) { s.generation++ }},
		{"the pod starts", func(s *seen) { s.podStarts++ }},
		{"a write too many", func(s *seen) { s.sent++ }},
		{"a write stored", func(s *seen) { s.stored-- }},
		{"where the Service leads", func(s *seen) { s.reaches = nil }},
		{"the second outcome", func(s *seen) { s.again.Results[0].Outcome = "Applied" }},
		{"a state", func(s *seen) { s.again.Results[0].Ports[0].State = "Owned" }},
		{"the resourceVersion after the repetition", func(s *seen) { s.still = "11" }},
		{"a field after the second sync", func(s *seen) { s.resynced = "generation: 2\nreplicas: 3" }},
		{"a field too many after the second sync", func(s *seen) { s.resynced += "\npaused: true" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := asWanted(t, w)
			if err := failed(claims(w, s)); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			test.spoil(&s)
			broken := 0
			for _, c := range claims(w, s) {
				if c.err != nil {
					broken++
				}
			}
			if broken != 1 {
				t.Errorf("%d claims do not hold, want 1: %v", broken, failed(claims(w, s)))
			}
		})
	}
}

// asWanted returns what is seen if everything is as story[1] expects.
func asWanted(t *testing.T, w want) seen {
	t.Helper()
	again, err := parseAnswer(`{"results":[{"outcome":"Unchanged","ports":[
		{"name":"adapter-nfs","port":12049,"protocol":"TCP","state":"Shadowed"},
		{"name":"adapter-smb","port":1445,"protocol":"TCP","state":"Owned"}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	const object = "generation: 2\nreplicas: 1"
	return seen{
		ports: append([]ownedPort{}, w.ports...), generation: w.generation, resourceVersion: "10",
		podStarts: w.podStarts, sent: w.sent, stored: w.stored, reaches: w.reaches,
		fields: 6, again: again, still: "10", content: object, resynced: object,
	}
}
