// Package expression maps the JSON answer of any server to the list of adapters, by
// a CEL expression (https://cel.dev) in which self is the answer.
//
// Any user who may write an AdapterSet can write an expression, and portside evaluates it
// on the answer of a pod. So the resources of an evaluation are bounded:
//
//  1. Its cost, counted as Kubernetes counts that of its own CEL rules, is at most
//     [maxCost].
//  2. The values that it builds or compares have at most [maxWeight] parts together.
//     CEL counts a value that is used twice once, so that without this bound forty
//     short lists within each other would be a value of 2⁴⁰ parts.
//  3. Functions whose time or result grows faster than their cost cannot be
//     called: matches, replace, join, indexOf and lastIndexOf.
//  4. At most [maxEvaluations] run at once in a process.
//  5. The result has at most [MaxElements] elements, and of each the five fields of an
//     adapter count. They have at most [MaxResultBytes] as JSON.
//
// Available are the standard functions and macros of CEL, its optional types, and of
// the libraries of Kubernetes those for strings, URLs, IP addresses and CIDRs.
package expression
