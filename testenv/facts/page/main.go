// Command page writes the results of the facts, and their page from these:
//
//	go test -json ./testenv/facts | go run ./testenv/facts/page results >testenv/facts/results/1.37.2.jsonl
//	go run ./testenv/facts/page markdown testenv/facts/results >testenv/facts/README.md
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/portside-dev/portside/testenv/facts"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "results":
		results, err := facts.ReadRun(in)
		if err != nil {
			return err
		}
		for _, result := range results {
			if result.Outcome != facts.Holds {
				fmt.Fprintf(os.Stderr, "%s %s: %s\n", result.Fact, result.Outcome, result.How)
			}
		}
		return facts.WriteResults(out, results)
	case len(args) == 2 && args[0] == "markdown":
		releases, err := facts.ReadReleases(args[1])
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, facts.Page(releases))
		return err
	}
	return errors.New("want the arguments `results`, or `markdown FOLDER`")
}
