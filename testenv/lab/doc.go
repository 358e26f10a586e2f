// Lab plays random histories of the service on a real control plane and checks after each
// quiet period what must always hold:
//
//	go run ./testenv/lab [--binary bin/portside] [--histories 2000] [--seed 7]
//
// Two replicas of portside run as processes, installed by its own manifests and with the
// token of its ServiceAccount. A history is a target in a namespace of its own with an
// AdapterSet and often a Service; many are played at once. Its steps are data: an owner
// that writes by server-side apply, client-side apply or Updates, a second manager without
// force, people who edit, replace, scale, pause, delete and recreate, lost managedFields,
// and changes of the AdapterSet.
//
// The steps are played in rounds. While a round is played, replicas are killed, connections
// are cut, the API server restarts, and a proxy between portside and the API server delays
// requests, drops them, cuts the connection after a write was stored, or answers 409, 422,
// 429, 500 or 504. Then nothing is disturbed until it is quiet: the checks of all histories
// report nothing while portside renews its Lease four times and sends no other request.
// There is no fixed wait; a history that is not as it must be within three minutes has
// failed. The checks are:
//
//  1. nothing but ports of portside's changed since another manager wrote last: static
//     ports have their values and their order;
//  2. portside owns ports and the key of their container, and nothing stale;
//  3. adapter ports are as package oracle requires, which knows nothing of package apply;
//  4. portside changed the pod template as often as the steps called for: exactly so after
//     each round with a single step;
//  5. status is true: its generation, target, ports, states, owners, counts and conditions;
//  6. an idle service sends nothing but renewals of its Lease.
//
// A failed history is printed as a scenario. It is replayed alone, first without
// disturbances, with ever fewer steps, and printed with the flags that replay it. The same
// seed draws the same histories and disturbances; what meets what in time differs.
package main
