// Package portside runs portside for tests, benchmarks and the demo: [Program] is an
// executable, [Process] is `portside run` as a process of its own, [Service] is a
// Process that belongs to a test, and [Installation] is portside as `portside install`
// prints it.
//
// A Process listens at addresses of its own and logs to memory. Its starter ends it, by
// [Process.Stop] or [Process.Kill]; the test ends a Service.
package portside
