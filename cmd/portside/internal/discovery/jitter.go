package discovery

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Delay is how long to wait before a poll, so that the targets of a start, and
// those that were delayed together, are not all asked at once. Before the
// first poll (round 0) it is anywhere within the interval; before each later
// one it is the interval and up to a tenth of it, so that no pod is asked more
// often than was said. It is pure: the seed, such as the target's uid, and the
// round decide.
func Delay(seed string, round uint64, interval time.Duration) time.Duration {
	if interval <= 0 {
		return 0
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(seed)) // never fails
	random := rand.New(rand.NewPCG(hash.Sum64(), round))
	if round == 0 {
		return time.Duration(random.Int64N(int64(interval)))
	}
	return interval + time.Duration(random.Int64N(int64(interval)/10+1))
}
