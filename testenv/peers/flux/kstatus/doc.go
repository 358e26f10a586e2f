// Package kstatus shows how kstatus, with which Flux and others wait for objects,
// reads each state of an AdapterSet: Current if there is nothing to change, InProgress
// if no action is needed, Failed if an action is needed.
//
// It has tests only.
package kstatus
