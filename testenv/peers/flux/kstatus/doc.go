// Package kstatus shows that kstatus, with which Flux and others wait for objects,
// reads each state of an AdapterSet as what it is: Current where nothing is to
// change, InProgress where that needs no action, Failed where it does.
//
// It has tests only.
package kstatus
