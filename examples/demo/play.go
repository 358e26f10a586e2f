package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/portside-dev/portside/testenv"
)

// play plays the steps in order, until a claim does not hold.
func (s *stage) play(ctx context.Context, steps []step) error {
	score := &score{}
	for i, st := range steps {
		s.out.rule(fmt.Sprintf("%d. %s", i+1, st.title))
		s.out.block(st.text)
		saw, err := s.perform(ctx, st)
		if err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, st.title, err)
		}
		if err := s.out.claims(claims(st.want, *saw)); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, st.title, err)
		}
		score.add(st, *saw)
	}
	if err := s.history(ctx); err != nil {
		return fmt.Errorf("the history: %w", err)
	}
	score.print(s.out)
	return s.out.err
}

// perform plays a step, prints it, and observes the result.
func (s *stage) perform(ctx context.Context, st step) (*seen, error) {
	if st.sync != nil {
		st.sync(s.git)
		if err := s.git.sync(ctx, s.argo); err != nil {
			return nil, err
		}
		if _, err := s.cluster.rest(ctx); err != nil {
			return nil, err
		}
	}
	s.counter.take()
	if st.portside != nil {
		if err := s.showCommand(ctx, st.portside); err != nil {
			return nil, err
		}
	}
	refusal, err := s.showRefusal(ctx, st.refused)
	if err != nil {
		return nil, err
	}
	sent, stored := s.counter.take()
	saw, err := s.observe(ctx, st.want)
	if err != nil {
		return nil, err
	}
	saw.sent, saw.stored, saw.refusal = sent, stored, refusal
	if err := s.showCommand(ctx, []string{"owners", "statefulset/" + workload}); err != nil {
		return nil, err
	}
	s.out.linef("")
	s.out.linef("  generation %d   resourceVersion %s   writes sent %d, stored %d   pod starts %d",
		saw.generation, saw.resourceVersion, saw.sent, saw.stored, saw.podStarts)
	return saw, s.repeat(ctx, st, saw)
}

func (s *stage) showCommand(ctx context.Context, args []string) error {
	s.out.command(append([]string{"portside"}, args...))
	output, err := s.portside.run(ctx, args...)
	s.out.table(output)
	return err
}

// showRefusal prints a command that portside must refuse, and its answer.
func (s *stage) showRefusal(ctx context.Context, args []string) (*refusal, error) {
	if args == nil {
		return nil, nil
	}
	s.out.command(append([]string{"portside"}, args...))
	var failed *exec.ExitError
	_, err := s.portside.run(ctx, args...)
	if err == nil {
		return &refusal{}, nil
	}
	if !errors.As(err, &failed) {
		return nil, err
	}
	_, message, _ := strings.Cut(err.Error(), "error: ")
	s.out.wrapped("error: " + message)
	return &refusal{code: failed.ExitCode(), message: message}, nil
}

// observe reads everything once the rollout is complete.
func (s *stage) observe(ctx context.Context, w want) (*seen, error) {
	atRest, err := s.cluster.rest(ctx)
	if err != nil {
		return nil, err
	}
	object, err := s.cluster.object(ctx)
	if err != nil {
		return nil, err
	}
	saw := &seen{
		generation:      atRest.GetGeneration(),
		resourceVersion: atRest.GetResourceVersion(),
		podStarts:       s.plane.WorkloadPodStarts("StatefulSet", namespace, workload),
	}
	if saw.ports, err = ports(object, container); err != nil {
		return nil, err
	}
	if saw.content, err = content(object); err != nil {
		return nil, err
	}
	fields, err := testenv.Entry(object, us, metav1.ManagedFieldsOperationApply)
	if err != nil {
		return nil, err
	}
	saw.fields = len(fields)
	saw.reaches, err = s.cluster.reaches(ctx, w.reaches)
	return saw, err
}

// repeat repeats the step, which must change nothing: portside's command, then Argo
// CD's sync.
func (s *stage) repeat(ctx context.Context, st step, saw *seen) error {
	if st.portside != nil {
		again, err := s.portside.ask(ctx, st.portside...)
		if err != nil {
			return err
		}
		still, err := s.cluster.object(ctx)
		if err != nil {
			return err
		}
		saw.again, saw.still = again, still.GetResourceVersion()
	}
	if err := s.git.sync(ctx, s.argo); err != nil {
		return err
	}
	resynced, err := s.cluster.object(ctx)
	if err != nil {
		return err
	}
	saw.resynced, err = content(resynced)
	return err
}
