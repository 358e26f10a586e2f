// Package portside runs the portside program for tests, benchmarks and the demo:
// [Program] is an executable, [Process] is `portside run` as a process of its own,
// and [Service] is a Process that belongs to a test. [Installation] is portside as
// `portside install` prints it.
//
// A Process listens at addresses of its own, logs to memory, and is ended by
// whoever started it: by [Process.Stop] or [Process.Kill], or with the test.
package portside
