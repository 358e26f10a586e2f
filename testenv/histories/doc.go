// Package histories draws what managers do to one workload or Service: owners that apply,
// client-side apply, former operators, people who edit, replace and delete. The steps are
// data, so that one history can be played on a real API server and on one in memory
// ([memserver]), and so that a failing one shrinks to its shortest form.
//
//	random := rand.New(rand.NewPCG(seed, 0))
//	world := histories.World{API: histories.InMemory(memserver.New(), "ns"), Kind: histories.Workloads}
//	err := histories.First(random, world.Kind).Run(ctx, &world) // what the server answered
//	err = world.Kind.Step(random).Run(ctx, &world)
//
// There are few numbers and names, so that they often collide.
package histories
