// Package histories draws what managers do to one workload or Service: owners that apply,
// client-side apply, former operators, people who edit, replace and delete, another program
// that applies under the name of portside's field manager. The steps are data, so that one
// history can be played on a real API server and on one in memory ([memserver]), and so that
// a failing one shrinks to its shortest form.
//
//	random := rand.New(rand.NewPCG(seed, 0))
//	world := histories.World{API: histories.InMemory(memserver.New(), "ns"), Kind: histories.Workloads}
//	err := histories.First(random, world.Kind).Run(ctx, &world) // what the server answered
//	err = world.Kind.Step(random).Run(ctx, &world)
//
// [Draw] returns a whole history, in which portside reconciles, adopts and releases between
// the steps, and [History.Play] checks each of these against the oracle: the ports, their
// order and owners, what portside claims and reports, that nothing else changes, that a
// second reconcile changes nothing, and that a dry run shows what a reconcile makes.
//
// There are few numbers and names, so that they often collide.
package histories
