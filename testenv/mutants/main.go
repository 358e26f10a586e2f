package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"text/tabwriter"
	"time"
)

func main() {
	only := flag.String("rules", "", "regular expression: only the rules that match")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Breaks one rule of portside at a time and checks that a test fails. Run it in the root of the repository.")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// run runs the mutants whose rules match, and prints what became of them.
func run(ctx context.Context, only string, out, progress io.Writer) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-rules: %w", err)
	}
	mutants, err := all(".")
	if err != nil {
		return err
	}
	mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !pattern.MatchString(m.rule) })
	if len(mutants) == 0 {
		return fmt.Errorf("no rule matches %q", only)
	}
	if err := passWithout(ctx, mutants, progress); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RULE\tFOUND BY\tSECONDS")
	var failed []error
	for i, m := range mutants {
		fmt.Fprintf(progress, "%d of %d: %s\n", i+1, len(mutants), m.rule)
		begin := time.Now()
		by, err := m.test(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", m.rule, err))
			by = "NOT FOUND"
		}
		fmt.Fprintf(table, "%s\t%s\t%.0f\n", m.rule, by, time.Since(begin).Seconds())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d mutants, %d found\n", len(mutants), len(mutants)-len(failed))
	return errors.Join(failed...)
}

// all returns the mutants of the tables and of the policies.
func all(root string) ([]mutant, error) {
	ofGuards, err := guardMutants(root)
	return slices.Concat(cases, facts, gates, services, ofGuards), err
}

// passWithout runs the tests without a mutant, which must pass.
func passWithout(ctx context.Context, mutants []mutant, progress io.Writer) error {
	var done []string
	for _, m := range mutants {
		id := m.found.pkg + " " + m.found.run
		if slices.Contains(done, id) {
			continue
		}
		done = append(done, id)
		fmt.Fprintf(progress, "without a mutant: %s\n", id)
		if failed, output, err := m.found.test(ctx); err != nil || failed != "" {
			return fmt.Errorf("%s fails without a mutant: %w\n%s", id, err, output)
		}
	}
	return nil
}
