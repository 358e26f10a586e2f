// Command mutants checks that the tests find mistakes. It breaks one rule of portside at a
// time, by one changed line (a mutant), and runs the tests that must fail then:
//
//	make mutants
//	make mutants MUTANTS='row|gate'   only the rules that match
//
// There is at least one mutant for each case of the contract, each rule about when a
// change may be applied, each fact of the API server that portside relies on, and each
// validation of the admission policies, which are read from the chart.
//
// No file of the repository changes: go test -overlay takes the changed file in place of
// the real one. A mutant is found if a test fails; code that does not compile, and a test
// that takes longer than two minutes, count as a mistake of the mutant. First the tests
// run without a mutant, and must pass.
//
// Progress goes to standard error, the table of results to standard output. The exit code
// is 1 if a mutant was not found.
package main
